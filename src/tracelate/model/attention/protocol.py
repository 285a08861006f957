"""Attention: a query and a memory in, a context and weights out.

The recurrent decoders use every variant by this protocol alone; a transformer uses multi-head
attention by name. Values that a variant computes once for a whole source sentence are in the
`Memory`, never on the module.

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
    """Source states; the context is their weighted sum."""
    keys_BSA: Tensor
    """Values that the variant computes from the states; the query is scored against them."""
    mask_BS: Tensor
    """True at real tokens, False at padding."""

    def select(self, rows: Tensor) -> Memory:
        """Returns the memory whose row i is row `rows[i]` of this one; rows may repeat."""
        return Memory(*(part.index_select(0, rows) for part in self))


class Attended(NamedTuple):
    """Result of attention at T target steps."""

    context_BTC: Tensor
    weights_BTS: Tensor
    """Weight of each source state at each target step; 0 at padding."""
    views: Mapping[str, Tensor] = MappingProxyType({})
    """Further values of shape BTS for figures, by name: the weights of each hop or head, or the
    window, with 1 inside."""


class Attention(nn.Module, ABC):
    """Base class of all variants."""

    context_size: int

    @abstractmethod
    def memory(self, states_BSM: Tensor, mask_BS: Tensor) -> Memory:
        """Prepares encoded sources; `mask_BS` is True at real tokens, at least one in each row."""

    @abstractmethod
    def forward(self, query_BTQ: Tensor, memory: Memory, first_step: int = 0) -> Attended:
        """Attends from T target states, of which the first is of the target step `first_step`."""


class ScoredAttention(Attention):
    """Base class of most variants (Bahdanau et al. 2015, eq. 5 and 6; Luong et al. 2015, eq. 7):

        α_ts = softmax_s(score(h_t, h̄_s))        the weights
        c_t  = Σ_s α_ts h̄_s                      the context

    The subclasses differ in `score`.
    """

    def __init__(self, memory_size: int) -> None:
        super().__init__()
        self.context_size = memory_size

    @abstractmethod
    def keys(self, states_BSM: Tensor) -> Tensor:
        """Returns keys_BSA, which `score` reads; it is called once for a batch of sentences."""

    @abstractmethod
    def score(self, query_BTQ: Tensor, keys_BSA: Tensor) -> Tensor:
        """Returns scores_BTS of each target state with each source state, not normalised."""

    def memory(self, states_BSM: Tensor, mask_BS: Tensor) -> Memory:
        return Memory(states_BSM, self.keys(states_BSM), mask_BS)

    def forward(self, query_BTQ: Tensor, memory: Memory, first_step: int = 0) -> Attended:
        scores_BTS = self.score(query_BTQ, memory.keys_BSA)
        return attend(masked_softmax(scores_BTS, memory.mask_BS.unsqueeze(1)), memory)


def masked_softmax(scores_BTS: Tensor, mask_BTS: Tensor) -> Tensor:
    """Returns the softmax over the source positions where the mask is True, at least in float32."""
    return at_least_float32(scores_BTS).masked_fill(~mask_BTS, -torch.inf).softmax(dim=-1)


def attend(
    weights_BTS: Tensor, memory: Memory, views: Mapping[str, Tensor] = MappingProxyType({})
) -> Attended:
    """Returns the weighted sum of the source states, with the weights and views."""
    context_BTM = weights_BTS.to(memory.states_BSM.dtype) @ memory.states_BSM
    return Attended(context_BTM, weights_BTS, views)
