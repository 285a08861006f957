"""Variants that differ in the score alone: additive, concat, dot, scaled dot and general."""

from __future__ import annotations

import math

from torch import Tensor, nn

from tracelate.model.attention.protocol import ScoredAttention


class AdditiveAttention(ScoredAttention):
    """score(h_t, h̄_s) = v_aᵀ tanh(W₁ h_t + W₂ h̄_s). Bahdanau et al. 2015, appendix A.1.2."""

    def __init__(self, query_size: int, memory_size: int, attention_size: int) -> None:
        super().__init__(memory_size)
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


class ConcatAttention(AdditiveAttention):
    """score(h_t, h̄_s) = v_aᵀ tanh(W_a [h_t; h̄_s]). Luong et al. 2015, eq. 8, "concat".

    W_a [h_t; h̄_s] = W₁ h_t + W₂ h̄_s, so the score is the same as Bahdanau's. The decoders differ:
    Luong's attends after the cell.
    """


class DotAttention(ScoredAttention):
    """score(h_t, h̄_s) = h_tᵀ h̄_s. Luong et al. 2015, eq. 8, "dot". The sizes must be equal."""

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__(memory_size)
        if query_size != memory_size:
            raise ValueError(f"dot needs equal sizes, not {query_size} and {memory_size}")

    def keys(self, states_BSM: Tensor) -> Tensor:
        return states_BSM

    def score(self, query_BTQ: Tensor, keys_BSA: Tensor) -> Tensor:
        return query_BTQ @ keys_BSA.transpose(1, 2)


class ScaledDotAttention(DotAttention):
    """score(h_t, h̄_s) = h_tᵀ h̄_s / √d, with vectors of size d. Vaswani et al. 2017, eq. 1."""

    def score(self, query_BTQ: Tensor, keys_BSA: Tensor) -> Tensor:
        return super().score(query_BTQ, keys_BSA) / math.sqrt(query_BTQ.shape[-1])


class GeneralAttention(ScoredAttention):
    """score(h_t, h̄_s) = h_tᵀ W h̄_s. Luong et al. 2015, eq. 8, "general"."""

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__(memory_size)
        self.w = nn.Linear(memory_size, query_size, bias=False)

    def keys(self, states_BSM: Tensor) -> Tensor:
        keys_BSQ: Tensor = self.w(states_BSM)
        return keys_BSQ

    def score(self, query_BTQ: Tensor, keys_BSA: Tensor) -> Tensor:
        return query_BTQ @ keys_BSA.transpose(1, 2)
