"""The protocol of decoders: from the target words so far and the source to the next word.

A decoder runs over any number of target steps at once: all of them in training (teacher
forcing), one at a time in search. Both give the same result.

Shapes: B batch, T target, S source, E embedding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

from torch import Tensor, nn

from tracelate.model.dropout import DropoutMasks
from tracelate.model.encoder import Encoded


class Selectable(Protocol):
    """Values of a batch, with one row for each sentence or beam."""

    def select(self, rows: Tensor) -> Self:
        """Returns the values whose row i is row `rows[i]` of these; rows may repeat."""


MemoryT = TypeVar("MemoryT", bound=Selectable)
StateT = TypeVar("StateT", bound=Selectable)


class DecoderStart(NamedTuple, Generic[MemoryT, StateT]):
    """Attention's memory of a batch of sources, and the state before the first target word."""

    memory: MemoryT
    state: StateT


class DecoderOutput(NamedTuple, Generic[StateT]):
    attentional_BTE: Tensor
    """a_t, from which the output layer predicts the next word."""
    state: StateT
    weights_BTS: Tensor
    """Attention weights, as in `Attended`."""
    views: Mapping[str, Tensor]
    """As `Attended.views`."""


class Decoder(nn.Module, ABC, Generic[MemoryT, StateT]):
    """Base class of decoders."""

    @abstractmethod
    def start(self, encoded: Encoded, mask_BS: Tensor) -> DecoderStart[MemoryT, StateT]:
        """Returns the memory and the first state; `mask_BS` is True at real tokens."""

    @abstractmethod
    def forward(
        self, embedded_BTE: Tensor, state: StateT, memory: MemoryT, masks: DropoutMasks | None
    ) -> DecoderOutput[StateT]:
        """Reads embedded target words, of which the first follows `state`.

        Without `masks` there is no dropout.
        """
