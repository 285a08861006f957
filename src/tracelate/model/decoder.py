"""What every decoder does: from the target words so far and a memory of the source to what comes
next.

A decoder runs over any number of target steps at once: all of them in training (teacher
forcing), one at a time in search. Both give the same result.

Shapes: B batch, T target, S source, E embedding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

from torch import Tensor, nn

from tracelate.model.dropout import Noise
from tracelate.model.encoder import Encoded


class Rows(Protocol):
    """What is kept of each sentence or beam: a row each."""

    def select(self, rows: Tensor) -> Self:
        """The same with row `rows[i]` as its row i; rows may repeat."""


MemoryT = TypeVar("MemoryT", bound=Rows)
StateT = TypeVar("StateT", bound=Rows)


class SourceView(NamedTuple, Generic[MemoryT, StateT]):
    """A batch of encoded sources and the decoder's state before the first target word."""

    memory: MemoryT
    state: StateT


class DecoderOutput(NamedTuple, Generic[StateT]):
    attentional_BTE: Tensor
    """a_t: what the output layer predicts the next word from."""
    state: StateT
    weights_BTS: Tensor
    views: Mapping[str, Tensor]
    """As `Attended.views`."""


class Decoder(nn.Module, ABC, Generic[MemoryT, StateT]):
    """The protocol of decoders."""

    @abstractmethod
    def view(self, encoded: Encoded, mask_BS: Tensor) -> SourceView[MemoryT, StateT]:
        """Prepares encoded sources; `mask_BS` is True at real tokens."""

    @abstractmethod
    def forward(
        self, embedded_BTE: Tensor, state: StateT, memory: MemoryT, noise: Noise | None
    ) -> DecoderOutput[StateT]:
        """Reads the embedded target words, from `state` on."""
