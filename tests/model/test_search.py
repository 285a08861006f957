"""Search against exhaustive and plain step-by-step search."""

from __future__ import annotations

import itertools

import pytest
import torch

from tests.model.toy import CONFIGS, SPECIAL, VOCABULARY, toy_model, toy_sources
from tracelate.model.search import beam_search, greedy_search, length_penalty
from tracelate.model.seq2seq import Seq2Seq

LENGTHS = (6, 2, 9, 4, 4, 3, 7)


@torch.no_grad()
def log_probability(model: Seq2Seq, source_1S: torch.Tensor, ids: list[int]) -> float:
    """Returns the log probability of the given ids by teacher forcing."""
    target_1T = torch.tensor([[SPECIAL.start, *ids[:-1]]])
    logits_1TV = model(source_1S, torch.ones_like(source_1S).bool(), target_1T).logits_BTV.clone()
    logits_1TV[..., [SPECIAL.padding, SPECIAL.start]] = -torch.inf
    log_p_TV = logits_1TV[0].float().log_softmax(dim=-1)
    return float(sum(log_p_TV[t, word] for t, word in enumerate(ids)))


@pytest.mark.parametrize("changes", CONFIGS.values(), ids=CONFIGS.keys())
def test_a_sentence_alone_is_translated_as_in_any_batch(changes: dict[str, object]) -> None:
    model = toy_model(**changes)
    source_BS, mask_BS = toy_sources(*LENGTHS)
    together = beam_search(model, source_BS, mask_BS, SPECIAL, beam_size=4, alpha=1.0)
    for row, length in enumerate(LENGTHS):
        [alone] = beam_search(
            model,
            source_BS[row : row + 1, :length],
            mask_BS[row : row + 1, :length],
            SPECIAL,
            beam_size=4,
            alpha=1.0,
        )
        assert [one.ids for one in alone] == [one.ids for one in together[row]]
        assert [one.score for one in alone] == pytest.approx(
            [one.score for one in together[row]], abs=1e-5
        )


@pytest.mark.parametrize("changes", CONFIGS.values(), ids=CONFIGS.keys())
def test_beam_one_is_greedy(changes: dict[str, object]) -> None:
    model = toy_model(**changes)
    sources = toy_sources(*LENGTHS)
    beams = beam_search(model, *sources, SPECIAL, beam_size=1, alpha=0.6)
    greedy = greedy_search(model, *sources, SPECIAL)
    assert [hypotheses[0].ids for hypotheses in beams] == greedy
    assert len({tuple(ids) for ids in greedy}) > 1, "the toy model should say different things"


def test_scores_are_the_log_probability_over_the_length_penalty() -> None:
    model = toy_model()
    source_BS, mask_BS = toy_sources(*LENGTHS)
    found = beam_search(model, source_BS, mask_BS, SPECIAL, beam_size=3, alpha=0.8)
    ended = 0
    for row, length in enumerate(LENGTHS):
        for hypothesis in found[row]:
            if len(hypothesis.ids) == model.max_target_pieces(length):
                continue  # cut off at the limit
            ids = [*hypothesis.ids, SPECIAL.end]
            expected = log_probability(model, source_BS[row : row + 1, :length], ids)
            assert hypothesis.score == pytest.approx(
                expected / length_penalty(len(ids), 0.8), abs=1e-4
            )
            ended += 1
    assert ended > 0


def test_a_wide_beam_finds_the_best_of_all_short_translations() -> None:
    model = toy_model()
    with torch.no_grad():
        model.output_bias_V[SPECIAL.end] += 12.0  # translations are short
    source_BS, mask_BS = toy_sources(5)
    words = range(3, VOCABULARY)
    everything = [
        [*ids, SPECIAL.end]
        for length in range(3)
        for ids in itertools.product(words, repeat=length)
    ]
    best = max(everything, key=lambda ids: log_probability(model, source_BS, ids))
    [found] = beam_search(model, source_BS, mask_BS, SPECIAL, beam_size=8, alpha=0.0)
    assert [*found[0].ids, SPECIAL.end] == best


def test_hypotheses_come_best_first_without_special_tokens_and_within_the_limit() -> None:
    model = toy_model()
    for row, hypotheses in enumerate(
        beam_search(model, *toy_sources(*LENGTHS), SPECIAL, beam_size=5, alpha=1.0)
    ):
        scores = [one.score for one in hypotheses]
        assert scores == sorted(scores, reverse=True)
        assert 1 <= len(hypotheses) <= 5
        for hypothesis in hypotheses:
            assert not set(hypothesis.ids) & set(SPECIAL)
            assert len(hypothesis.ids) <= model.max_target_pieces(LENGTHS[row])


@pytest.mark.parametrize(("ratio", "extra"), [(1, 0), (1, 3), (3, 0)])
def test_translations_are_cut_off_at_the_length_limit_of_the_settings(
    ratio: int, extra: int
) -> None:
    model = toy_model(max_length_ratio=ratio, max_length_extra=extra)
    with torch.no_grad():
        model.output_bias_V[SPECIAL.end] = -1e9  # the end is never predicted
    sources = toy_sources(*LENGTHS)
    limits = [ratio * length + extra for length in LENGTHS]
    greedy = greedy_search(model, *sources, SPECIAL)
    beams = beam_search(model, *sources, SPECIAL, beam_size=3, alpha=1.0)
    assert [len(ids) for ids in greedy] == limits
    assert [{len(one.ids) for one in hypotheses} for hypotheses in beams] == [
        {limit} for limit in limits
    ]


def test_the_length_penalty_follows_wu_et_al() -> None:
    assert length_penalty(1, 1.0) == 1.0
    assert length_penalty(7, 1.0) == 2.0
    assert length_penalty(19, 0.5) == 2.0
    assert length_penalty(100, 0.0) == 1.0
