"""Attention against its equations, written as plain loops in float64."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tracelate.model.attention import AdditiveAttention, Attention, GeneralAttention

B, S, T, M, Q, A = 2, 5, 3, 7, 11, 13


def variants() -> list[Attention]:
    torch.manual_seed(0)
    return [AdditiveAttention(Q, M, A).double(), GeneralAttention(Q, M).double()]


def names(attention: Attention) -> str:
    return type(attention).__name__


@pytest.fixture
def query_BTQ() -> Tensor:
    return torch.randn(B, T, Q, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def states_BSM() -> Tensor:
    return torch.randn(B, S, M, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def mask_BS() -> Tensor:
    return torch.tensor([[True] * S, [True, True, True, False, False]])


def score_by_paper(attention: Attention, h: Tensor, s: Tensor) -> float:
    """One score, from the equation in the paper."""
    if isinstance(attention, AdditiveAttention):
        w1, w2 = attention.w_query.weight.detach(), attention.w_memory.weight.detach()
        v = attention.v.weight[0].detach()
        return sum(
            float(v[a])
            * math.tanh(
                sum(float(w1[a, q] * h[q]) for q in range(Q))
                + sum(float(w2[a, m] * s[m]) for m in range(M))
            )
            for a in range(A)
        )
    assert isinstance(attention, GeneralAttention)
    w = attention.w.weight.detach()
    return sum(float(h[q] * w[q, m] * s[m]) for q in range(Q) for m in range(M))


@pytest.mark.parametrize("attention", variants(), ids=names)
def test_weights_and_context_follow_the_paper(
    attention: Attention, query_BTQ: Tensor, states_BSM: Tensor, mask_BS: Tensor
) -> None:
    attended = attention(query_BTQ, attention.memory(states_BSM, mask_BS))
    for b in range(B):
        real = [s for s in range(S) if mask_BS[b, s]]
        for t in range(T):
            scores = [score_by_paper(attention, query_BTQ[b, t], states_BSM[b, s]) for s in real]
            total = sum(math.exp(score) for score in scores)
            weights = [math.exp(score) / total for score in scores]
            context = [
                sum(w * float(states_BSM[b, s, m]) for w, s in zip(weights, real, strict=True))
                for m in range(M)
            ]
            # the softmax is taken in float32
            assert attended.weights_BTS[b, t, real].tolist() == pytest.approx(weights, abs=1e-6)
            assert attended.context_BTM[b, t].tolist() == pytest.approx(context, abs=1e-5)


@pytest.mark.parametrize("attention", variants(), ids=names)
def test_weights_sum_to_one_and_are_zero_at_padding(
    attention: Attention, query_BTQ: Tensor, states_BSM: Tensor, mask_BS: Tensor
) -> None:
    weights_BTS = attention(query_BTQ, attention.memory(states_BSM, mask_BS)).weights_BTS
    torch.testing.assert_close(weights_BTS.sum(dim=-1), torch.ones(B, T))
    assert (weights_BTS[1, :, 3:] == 0).all()
    assert (weights_BTS[0] > 0).all()


@pytest.mark.parametrize("attention", variants(), ids=names)
def test_what_stands_at_padding_changes_nothing(
    attention: Attention, query_BTQ: Tensor, states_BSM: Tensor, mask_BS: Tensor
) -> None:
    other_BSM = states_BSM.masked_fill(~mask_BS.unsqueeze(-1), 1e3)
    before = attention(query_BTQ, attention.memory(states_BSM, mask_BS))
    after = attention(query_BTQ, attention.memory(other_BSM, mask_BS))
    torch.testing.assert_close(before.context_BTM, after.context_BTM, rtol=0, atol=0)


@pytest.mark.parametrize("attention", variants(), ids=names)
def test_every_weight_of_the_variant_gets_a_gradient(
    attention: Attention, query_BTQ: Tensor, states_BSM: Tensor, mask_BS: Tensor
) -> None:
    attended = attention(query_BTQ, attention.memory(states_BSM, mask_BS))
    attended.context_BTM.pow(2).sum().backward()
    for name, parameter in attention.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_a_memory_selects_rows_with_repeats(states_BSM: Tensor, mask_BS: Tensor) -> None:
    attention = variants()[0]
    memory = attention.memory(states_BSM, mask_BS).select(torch.tensor([1, 1, 0]))
    assert torch.equal(memory.states_BSM, states_BSM[[1, 1, 0]])
    assert torch.equal(memory.mask_BS, mask_BS[[1, 1, 0]])
