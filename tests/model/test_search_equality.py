"""Beam search against one that keeps each hypothesis by itself, as the papers describe it."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from tests.model.toy import CONFIGS, SPECIAL, VOCABULARY, toy_model, toy_sources
from tracelate.model.attention.protocol import Memory
from tracelate.model.search import Hypothesis, SpecialIds, beam_search, length_penalty
from tracelate.model.seq2seq import Seq2Seq

WITH_SLOTS = SPECIAL._replace(slots=range(3, 6))
LENGTHS = (6, 2, 9, 4, 4, 3, 7, 12)


class Live(NamedTuple):
    ids: list[int]
    score: float
    state: Any


@torch.no_grad()
def plain_search(
    model: Seq2Seq, source_1S: Tensor, special: SpecialIds, beam_size: int, alpha: float
) -> list[Hypothesis]:
    """Translates one sentence; the model reads one hypothesis at a time."""
    memory, state = model.encode(source_1S, torch.ones_like(source_1S).bool())
    slots = Counter(one for one in source_1S[0].tolist() if one in special.slots)
    limit = model.max_target_pieces(source_1S.shape[1])
    live, found = [Live([], 0.0, state)], list[Hypothesis]()
    for length in range(1, limit + 1):
        candidates = []
        for one in live:
            previous_1 = torch.tensor([[special.start, *one.ids][-1]])
            logits_1V, after = model.step(previous_1, one.state, memory)
            logits_1V[:, [special.padding, special.start]] = -torch.inf
            log_p_V = logits_1V[0].float().log_softmax(dim=-1).tolist()
            left = slots - Counter(one.ids)
            for word in range(VOCABULARY):
                if _is_allowed(word, left, limit - length + 1, special):
                    candidates.append(Live([*one.ids, word], one.score + log_p_V[word], after))
        candidates = [one for one in candidates if one.score > -math.inf]
        best = sorted(candidates, key=lambda one: -one.score)[: 2 * beam_size]
        penalty = length_penalty(length, alpha)
        for one in best[:beam_size]:
            if one.ids[-1] == special.end:
                found.append(Hypothesis(one.ids[:-1], one.score / penalty))
        live = [one for one in best if one.ids[-1] != special.end][:beam_size]
        if len(found) >= beam_size or not live:
            break
        if length == limit:
            found += [Hypothesis(one.ids, one.score / penalty) for one in live]
    return sorted(found, key=lambda one: -one.score)[:beam_size]


def _is_allowed(word: int, left: Counter[int], places: int, special: SpecialIds) -> bool:
    if word in special.slots:
        return left[word] > 0
    if left.total() >= places and left:
        return False
    return not (word == special.end and left)


@pytest.mark.parametrize("beam_size", [1, 4])
@pytest.mark.parametrize("limits", [{}, {"max_length_ratio": 1, "max_length_extra": 0}], ids=str)
@pytest.mark.parametrize("special", [SPECIAL, WITH_SLOTS], ids=["no slots", "slots"])
def test_a_batch_has_the_n_best_lists_of_a_plain_search(
    special: SpecialIds, limits: dict[str, object], beam_size: int
) -> None:
    model = toy_model(**limits)
    source_BS, mask_BS = toy_sources(*LENGTHS)
    found = beam_search(model, source_BS, mask_BS, special, beam_size=beam_size, alpha=0.8)
    for row, length in enumerate(LENGTHS):
        plain = plain_search(model, source_BS[row : row + 1, :length], special, beam_size, 0.8)
        assert [one.ids for one in found[row]] == [one.ids for one in plain]
        assert [one.score for one in found[row]] == pytest.approx(
            [one.score for one in plain], abs=1e-5
        )


@pytest.mark.parametrize("changes", CONFIGS.values(), ids=CONFIGS.keys())
def test_every_decoder_has_the_scores_of_a_plain_search(changes: dict[str, object]) -> None:
    model = toy_model(**changes)
    source_BS, mask_BS = toy_sources(5, 2, 4)
    found = beam_search(model, source_BS, mask_BS, WITH_SLOTS, beam_size=3, alpha=1.0)
    for row, length in enumerate((5, 2, 4)):
        plain = plain_search(model, source_BS[row : row + 1, :length], WITH_SLOTS, 3, 1.0)
        # without recurrence and order, some words can change places at the same score
        assert [one.score for one in found[row]] == pytest.approx(
            [one.score for one in plain], abs=1e-5
        )


def test_the_memory_is_copied_only_when_sentences_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    model = toy_model(max_length_ratio=1, max_length_extra=0)
    with torch.no_grad():
        model.output_bias_V[SPECIAL.end] = -1e9  # sentences leave at their length limits
    copied: list[int] = []
    select = Memory.select

    def counting(memory: Memory, rows: Tensor) -> Memory:
        copied.append(len(rows))
        return select(memory, rows)

    monkeypatch.setattr(Memory, "select", counting)
    beam_search(model, *toy_sources(9, 4, 4, 9), SPECIAL, beam_size=3, alpha=1.0)
    assert copied == [4 * 3, 2 * 3, 0]
