"""Attention: a query and a memory in, a context and weights out.

Every variant shares two equations (Bahdanau et al. 2015, eq. 5 and 6; Luong et al. 2015,
eq. 7 and section 3.1), with target state h_t and source states h̄_s:

    α_ts = softmax_s(score(h_t, h̄_s))        the weights
    c_t  = Σ_s α_ts h̄_s                      the context

and differs only in `score`. What a variant can compute once for a whole source sentence is kept
in the `Memory` that it is given, never on the module.

Shapes: B batch, S source, T target, M memory state, Q query, A attention space.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Memory(NamedTuple):
    """A batch of encoded sources, ready to be attended to."""

    states_BSM: Tensor
    keys_BSA: Tensor
    """What the variant precomputes from the states; it is scored against the query."""
    mask_BS: Tensor
    """True at real tokens, False at padding."""

    def select(self, rows: Tensor) -> Memory:
        """The memory whose row i is this one's row `rows[i]`; rows may repeat."""
        return Memory(*(part.index_select(0, rows) for part in self))


class Attended(NamedTuple):
    context_BTM: Tensor
    weights_BTS: Tensor
    """Each target step's weights over the source: they sum to one and are zero at padding."""


class Attention(nn.Module, ABC):
    """The protocol, and what all variants share."""

    @abstractmethod
    def keys(self, states_BSM: Tensor) -> Tensor:
        """What `score` needs of the source states, computed once a sentence: keys_BSA."""

    @abstractmethod
    def score(self, query_BTQ: Tensor, keys_BSA: Tensor) -> Tensor:
        """How well each target state matches each source state: scores_BTS, unnormalised."""

    def memory(self, states_BSM: Tensor, mask_BS: Tensor) -> Memory:
        return Memory(states_BSM, self.keys(states_BSM), mask_BS)

    def forward(self, query_BTQ: Tensor, memory: Memory) -> Attended:
        scores_BTS = self.score(query_BTQ, memory.keys_BSA).float()
        scores_BTS = scores_BTS.masked_fill(~memory.mask_BS.unsqueeze(1), -torch.inf)
        weights_BTS = scores_BTS.softmax(dim=-1)
        context_BTM = weights_BTS.to(memory.states_BSM.dtype) @ memory.states_BSM
        return Attended(context_BTM, weights_BTS)


class AdditiveAttention(Attention):
    """score(h_t, h̄_s) = v_aᵀ tanh(W₁ h_t + W₂ h̄_s). Bahdanau et al. 2015, appendix A.1.2."""

    def __init__(self, query_size: int, memory_size: int, attention_size: int) -> None:
        super().__init__()
        self.w_query = nn.Linear(query_size, attention_size, bias=False)
        self.w_memory = nn.Linear(memory_size, attention_size, bias=False)
        self.v = nn.Linear(attention_size, 1, bias=False)

    def keys(self, states_BSM: Tensor) -> Tensor:
        keys_BSA: Tensor = self.w_memory(states_BSM)
        return keys_BSA

    def score(self, query_BTQ: Tensor, keys_BSA: Tensor) -> Tensor:
        hidden_BTSA = self.w_query(query_BTQ).unsqueeze(2) + keys_BSA.unsqueeze(1)
        scores_BTS: Tensor = self.v(hidden_BTSA.tanh()).squeeze(-1)
        return scores_BTS


class GeneralAttention(Attention):
    """score(h_t, h̄_s) = h_tᵀ W h̄_s. Luong et al. 2015, eq. 8, "general"."""

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__()
        self.w = nn.Linear(memory_size, query_size, bias=False)

    def keys(self, states_BSM: Tensor) -> Tensor:
        keys_BSQ: Tensor = self.w(states_BSM)
        return keys_BSQ

    def score(self, query_BTQ: Tensor, keys_BSA: Tensor) -> Tensor:
        return query_BTQ @ keys_BSA.transpose(1, 2)
