"""Attention: a query and a memory in, a context and weights out.

Encoders, decoders, search and pictures know only this file. What a variant can compute once for a
whole source sentence is kept in the `Memory` that it is given, never on the module.

Shapes, here and in the variants: B batch, S source, T target, M memory state, Q query,
A attention space, C context.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tracelate.model.precision import at_least_float32


class Memory(NamedTuple):
    """A batch of encoded sources, ready to be attended to."""

    states_BSM: Tensor
    """What the context is a weighted sum of."""
    keys_BSA: Tensor
    """What the variant precomputes from the states; it is scored against the query."""
    mask_BS: Tensor
    """True at real tokens, False at padding."""

    def select(self, rows: Tensor) -> Memory:
        """The memory whose row i is this one's row `rows[i]`; rows may repeat."""
        return Memory(*(part.index_select(0, rows) for part in self))


class Attended(NamedTuple):
    context_BTC: Tensor
    weights_BTS: Tensor
    """How much each target step took of each source state: nothing of padding."""
    views: Mapping[str, Tensor] = MappingProxyType({})
    """What else there is to see, by name and each of shape BTS: the weights of each hop or head,
    or the window, with 1 inside."""


class Attention(nn.Module, ABC):
    """The protocol."""

    context_size: int

    @abstractmethod
    def memory(self, states_BSM: Tensor, mask_BS: Tensor) -> Memory:
        """Prepares encoded sources; `mask_BS` is True at real tokens, at least one a row."""

    @abstractmethod
    def forward(self, query_BTQ: Tensor, memory: Memory, first_step: int = 0) -> Attended:
        """Attends from T target states, the first of which is that of target step `first_step`."""


class ScoredAttention(Attention):
    """What most variants share (Bahdanau et al. 2015, eq. 5 and 6; Luong et al. 2015, eq. 7):

        α_ts = softmax_s(score(h_t, h̄_s))        the weights
        c_t  = Σ_s α_ts h̄_s                      the context

    They differ in `score` alone.
    """

    def __init__(self, memory_size: int) -> None:
        super().__init__()
        self.context_size = memory_size

    @abstractmethod
    def keys(self, states_BSM: Tensor) -> Tensor:
        """What `score` needs of the source states, computed once a sentence: keys_BSA."""

    @abstractmethod
    def score(self, query_BTQ: Tensor, keys_BSA: Tensor) -> Tensor:
        """How well each target state matches each source state: scores_BTS, unnormalised."""

    def memory(self, states_BSM: Tensor, mask_BS: Tensor) -> Memory:
        return Memory(states_BSM, self.keys(states_BSM), mask_BS)

    def forward(self, query_BTQ: Tensor, memory: Memory, first_step: int = 0) -> Attended:
        scores_BTS = self.score(query_BTQ, memory.keys_BSA)
        return attend(masked_softmax(scores_BTS, memory.mask_BS.unsqueeze(1)), memory)


def masked_softmax(scores_BTS: Tensor, mask_BTS: Tensor) -> Tensor:
    """The softmax over the source places where the mask is True, in float32 or finer."""
    return at_least_float32(scores_BTS).masked_fill(~mask_BTS, -torch.inf).softmax(dim=-1)


def attend(
    weights_BTS: Tensor, memory: Memory, views: Mapping[str, Tensor] = MappingProxyType({})
) -> Attended:
    """The weighted sum of the source states."""
    context_BTM = weights_BTS.to(memory.states_BSM.dtype) @ memory.states_BSM
    return Attended(context_BTM, weights_BTS, views)
