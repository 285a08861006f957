"""Every variant of attention against its equations, written as plain loops in float64."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
from torch import Tensor

from tests.model.toy import toy_config
from tracelate.config import AttentionName
from tracelate.model.attention.hops import HoppingAttention
from tracelate.model.attention.local import LocalMonotonicAttention, LocalPredictiveAttention
from tracelate.model.attention.multi_head import MultiHeadAttention
from tracelate.model.attention.none import NoAttention
from tracelate.model.attention.protocol import Attention
from tracelate.model.attention.scores import (
    AdditiveAttention,
    ConcatAttention,
    DotAttention,
    GeneralAttention,
    ScaledDotAttention,
)
from tracelate.model.attention.variants import VARIANTS, build_attention

B, S, T, A, WINDOW, HEADS = 2, 5, 3, 13, 1, 3
M = Q = 6  # equal, as dot and hops need it
LENGTHS = (5, 3)
Vector = list[float]

torch.manual_seed(0)
SCORED = {
    "additive": AdditiveAttention(Q, M, A),
    "concat": ConcatAttention(Q, M, A),
    "dot": DotAttention(Q, M),
    "scaled_dot": ScaledDotAttention(Q, M),
    "general": GeneralAttention(Q, M),
}
OTHERS = {
    "none": NoAttention(),
    "local_m": LocalMonotonicAttention(Q, M, WINDOW),
    "local_p": LocalPredictiveAttention(Q, M, WINDOW),
    "multi_head": MultiHeadAttention(Q, M, HEADS),
    "hops": HoppingAttention(GeneralAttention(Q, M), Q, 3),
}
ALL: dict[str, Attention] = {name: one.double() for name, one in {**SCORED, **OTHERS}.items()}
LOOKING = {name: one for name, one in ALL.items() if name != "none"}
QUERY_BTQ = torch.randn(B, T, Q, dtype=torch.float64)
STATES_BSM = torch.randn(B, S, M, dtype=torch.float64)
MASK_BS = torch.arange(S) < torch.tensor(LENGTHS).unsqueeze(1)


# Equations as loops over lists of numbers


def times(matrix: Tensor, vector: Vector) -> Vector:
    rows: list[Vector] = matrix.detach().tolist()
    return [dot(row, vector) for row in rows]


def dot(left: Vector, right: Vector) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def softmax(scores: Vector) -> Vector:
    total = sum(math.exp(score) for score in scores)
    return [math.exp(score) / total for score in scores]


def weighted_sum(weights: Vector, vectors: list[Vector]) -> Vector:
    return [dot(weights, [vector[m] for vector in vectors]) for m in range(len(vectors[0]))]


def score(attention: Attention, h: Vector, s: Vector) -> float:
    match attention:
        case AdditiveAttention():  # and Luong's concat, whose W_a is [W₁ W₂]
            w_a = torch.cat([attention.w_query.weight, attention.w_memory.weight], dim=1)
            hidden = [math.tanh(value) for value in times(w_a, h + s)]
            return dot(times(attention.v.weight, hidden), [1.0])
        case ScaledDotAttention():
            return dot(h, s) / math.sqrt(len(h))
        case DotAttention():
            return dot(h, s)
        case GeneralAttention():
            return dot(h, times(attention.w.weight, s))
    raise AssertionError(attention)


def looked(attention: Attention, h: Vector, states: list[Vector], t: int) -> tuple[Vector, Vector]:
    """Weights and context of one target state over one sentence's real states."""
    match attention:
        case NoAttention():
            return [0.0] * len(states), []
        case LocalMonotonicAttention() | LocalPredictiveAttention():
            weights = local_weights(attention, h, states, t)
        case MultiHeadAttention():
            return many_heads(attention, h, states)
        case HoppingAttention():
            for _ in range(3):
                weights, found = looked(attention.attention, h, states, t)
                moved = times(attention.h.weight, h)
                h = [a + b for a, b in zip(moved, found, strict=True)]
            return weights, h
        case _:
            weights = softmax([score(attention, h, s) for s in states])
    return weights, weighted_sum(weights, states)


def local_weights(
    attention: LocalMonotonicAttention | LocalPredictiveAttention,
    h: Vector,
    states: list[Vector],
    t: int,
) -> Vector:
    if isinstance(attention, LocalMonotonicAttention):
        centre, spread = float(min(t, len(states) - 1)), math.inf
    else:
        hidden = [math.tanh(value) for value in times(attention.w_p.weight, h)]
        [predicted] = times(attention.v_p.weight, hidden)
        predicted /= math.sqrt(Q)  # how much larger v_p is kept than it acts
        centre, spread = len(states) / (1 + math.exp(-predicted)), WINDOW / 2
    near = [place for place in range(len(states)) if abs(place - centre) <= WINDOW]
    inside = softmax([score(attention, h, states[place]) for place in near])
    weights = [0.0] * len(states)
    for place, weight in zip(near, inside, strict=True):
        weights[place] = weight * math.exp(-((place - centre) ** 2) / (2 * spread**2))
    return weights


def many_heads(
    attention: MultiHeadAttention, h: Vector, states: list[Vector]
) -> tuple[Vector, Vector]:
    size = M // HEADS
    query = times(attention.w_query.weight, h)
    keys = [times(attention.w_key.weight, s) for s in states]
    values = [times(attention.w_value.weight, s) for s in states]
    joined: Vector = []
    shown = [0.0] * len(states)
    for head in range(HEADS):
        own = slice(head * size, (head + 1) * size)
        weights = softmax([dot(query[own], key[own]) / math.sqrt(size) for key in keys])
        joined += weighted_sum(weights, [value[own] for value in values])
        shown = [a + b / HEADS for a, b in zip(shown, weights, strict=True)]
    return shown, times(attention.w_output.weight, joined)


# Comparison of the implementation with these equations


@pytest.mark.parametrize("name", ALL)
def test_weights_and_context_follow_the_paper(name: str) -> None:
    attention = ALL[name]
    attended = attention(QUERY_BTQ, attention.memory(STATES_BSM, MASK_BS))
    for b, length in enumerate(LENGTHS):
        states = STATES_BSM[b, :length].tolist()
        for t in range(T):
            weights, context = looked(attention, QUERY_BTQ[b, t].tolist(), states, t)
            assert attended.weights_BTS[b, t, :length].tolist() == pytest.approx(weights)
            assert attended.context_BTC[b, t].tolist() == pytest.approx(context)


@pytest.mark.parametrize("name", LOOKING)
def test_weights_sum_to_one_and_are_zero_at_padding(name: str) -> None:
    attention = ALL[name]
    weights_BTS = attention(QUERY_BTQ, attention.memory(STATES_BSM, MASK_BS)).weights_BTS
    assert (weights_BTS[1, :, LENGTHS[1] :] == 0).all()
    total_BT = weights_BTS.sum(dim=-1)
    if name == "local_p":  # the Gaussian takes some away
        assert (total_BT > 0).all() and (total_BT < 1).all()
    else:
        torch.testing.assert_close(total_BT, torch.ones_like(total_BT))


@pytest.mark.parametrize("name", ["local_m", "local_p"])
def test_local_weights_are_within_the_window(name: str) -> None:
    attention = ALL[name]
    weights_BTS = attention(QUERY_BTQ, attention.memory(STATES_BSM, MASK_BS)).weights_BTS
    assert ((weights_BTS > 0).sum(dim=-1) <= 2 * WINDOW + 1).all()
    for row in weights_BTS.flatten(0, 1):
        places = row.nonzero().flatten().tolist()
        assert places == list(range(places[0], places[-1] + 1))


@pytest.mark.parametrize("name", LOOKING)
def test_values_at_padding_change_nothing(name: str) -> None:
    attention = ALL[name]
    other_BSM = STATES_BSM.masked_fill(~MASK_BS.unsqueeze(-1), 1e3)
    before = attention(QUERY_BTQ, attention.memory(STATES_BSM, MASK_BS))
    after = attention(QUERY_BTQ, attention.memory(other_BSM, MASK_BS))
    torch.testing.assert_close(before.context_BTC, after.context_BTC, rtol=0, atol=0)


@pytest.mark.parametrize("name", LOOKING)
def test_gradients_equal_numerical_ones(name: str) -> None:
    attention = ALL[name]

    def context(query_BTQ: Tensor, states_BSM: Tensor) -> Tensor:
        found: Tensor = attention(query_BTQ, attention.memory(states_BSM, MASK_BS)).context_BTC
        return found

    inputs = (QUERY_BTQ.clone().requires_grad_(), STATES_BSM.clone().requires_grad_())
    assert torch.autograd.gradcheck(context, inputs)


@pytest.mark.parametrize("name", sorted(set(LOOKING) - {"dot", "scaled_dot"}))
def test_every_weight_of_the_variant_gets_a_gradient(name: str) -> None:
    attention = ALL[name]
    attention.zero_grad()
    attended = attention(QUERY_BTQ, attention.memory(STATES_BSM, MASK_BS))
    attended.context_BTC.pow(2).sum().backward()
    for parameter_name, parameter in attention.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, parameter_name


@pytest.mark.parametrize("name", ALL)
def test_single_steps_equal_all_steps_at_once(name: str) -> None:
    attention = ALL[name]
    memory = attention.memory(STATES_BSM, MASK_BS)
    whole = attention(QUERY_BTQ, memory)
    for t in range(T):
        step = attention(QUERY_BTQ[:, t : t + 1], memory, t)
        torch.testing.assert_close(step.context_BTC, whole.context_BTC[:, t : t + 1])
        torch.testing.assert_close(step.weights_BTS, whole.weights_BTS[:, t : t + 1])


def test_the_weights_are_the_mean_over_heads() -> None:
    attention = ALL["multi_head"]
    attended = attention(QUERY_BTQ, attention.memory(STATES_BSM, MASK_BS))
    assert list(attended.views) == [f"head {number}" for number in range(1, HEADS + 1)]
    mean_BTS = torch.stack(list(attended.views.values())).mean(dim=0)
    torch.testing.assert_close(mean_BTS, attended.weights_BTS)


def test_the_views_have_each_hop_and_the_weights_are_those_of_the_last() -> None:
    attention = ALL["hops"]
    attended = attention(QUERY_BTQ, attention.memory(STATES_BSM, MASK_BS))
    assert list(attended.views) == ["hop 1", "hop 2", "hop 3"]
    assert torch.equal(attended.views["hop 3"], attended.weights_BTS)
    assert not torch.equal(attended.views["hop 1"], attended.weights_BTS)


@pytest.mark.parametrize("name", ["local_m", "local_p"])
def test_the_window_in_the_views_contains_the_weights(name: str) -> None:
    attention = ALL[name]
    attended = attention(QUERY_BTQ, attention.memory(STATES_BSM, MASK_BS))
    assert torch.equal(attended.views["window"], attended.weights_BTS > 0)


def test_one_hop_has_the_weights_of_plain_attention() -> None:
    plain = GeneralAttention(Q, M).double()
    hop = HoppingAttention(plain, Q, 1).double()
    first = plain(QUERY_BTQ, plain.memory(STATES_BSM, MASK_BS))
    second = hop(QUERY_BTQ, hop.memory(STATES_BSM, MASK_BS))
    assert torch.equal(first.weights_BTS, second.weights_BTS)
    assert torch.equal(second.context_BTC, hop.h(QUERY_BTQ) + first.context_BTC)


def test_each_hop_affects_the_prediction() -> None:
    """Sukhbaatar et al. predict from o^K + u^K, so that every hop affects the prediction."""
    attention = HoppingAttention(DotAttention(Q, M), Q, 2).double()
    torch.nn.init.eye_(attention.h.weight)
    memory = attention.memory(STATES_BSM, MASK_BS)
    attended = attention(QUERY_BTQ, memory)
    read = sum(weights_BTS @ STATES_BSM for weights_BTS in attended.views.values())
    torch.testing.assert_close(attended.context_BTC, QUERY_BTQ + read)


def test_multi_head_agrees_with_torch() -> None:
    ours = MultiHeadAttention(M, M, HEADS).double()
    theirs = torch.nn.MultiheadAttention(M, HEADS, bias=False, batch_first=True).double()
    with torch.no_grad():
        weights = [ours.w_query.weight, ours.w_key.weight, ours.w_value.weight]
        theirs.in_proj_weight.copy_(torch.cat(weights))
        theirs.out_proj.weight.copy_(ours.w_output.weight)
    attended = ours(QUERY_BTQ, ours.memory(STATES_BSM, MASK_BS))
    context_BTM, weights_BTS = theirs(QUERY_BTQ, STATES_BSM, STATES_BSM, key_padding_mask=~MASK_BS)
    torch.testing.assert_close(attended.context_BTC, context_BTM)
    torch.testing.assert_close(attended.weights_BTS, weights_BTS)


def test_every_variant_has_a_name_in_the_settings() -> None:
    assert set(VARIANTS) == set(get_args(AttentionName)) == set(ALL) - {"hops"}
    for name in VARIANTS:
        for hops in (1,) if name == "none" else (1, 2):
            built = build_attention(toy_config(attention=name, hops=hops))
            assert isinstance(built, HoppingAttention) == (hops == 2)


def test_selecting_rows_of_a_memory_may_repeat_them() -> None:
    memory = ALL["general"].memory(STATES_BSM, MASK_BS).select(torch.tensor([1, 1, 0]))
    assert torch.equal(memory.states_BSM, STATES_BSM[[1, 1, 0]])
    assert torch.equal(memory.mask_BS, MASK_BS[[1, 1, 0]])
