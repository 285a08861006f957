"""A translation by a random model has each slot of its source exactly as often."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest
import torch

from tests.model.toy import CONFIGS, SPECIAL, VOCABULARY, toy_model, toy_sources
from tracelate.model.search import beam_search, greedy_search, length_penalty
from tracelate.model.slots import SlotsLeft

SLOTS = range(3, 6)
WITH_SLOTS = SPECIAL._replace(slots=SLOTS)
LENGTHS = (6, 2, 9, 4, 4, 3, 7, 12)


def allowed(left: SlotsLeft, written: int) -> torch.Tensor:
    """Returns True at each row's words that are not ruled out after so many tokens."""
    scores_NV = torch.zeros(len(left.left_NL), VOCABULARY)
    left.rule_out(scores_NV, written)
    return scores_NV == 0


def slots_in(ids: list[int]) -> Counter[int]:
    return Counter(one for one in ids if one in SLOTS)


@pytest.mark.parametrize("limits", [{}, {"max_length_ratio": 1, "max_length_extra": 0}], ids=str)
@pytest.mark.parametrize("changes", CONFIGS.values(), ids=CONFIGS.keys())
def test_each_slot_is_written_exactly_as_often_alone_and_in_any_batch(
    changes: dict[str, object], limits: dict[str, object]
) -> None:
    model = toy_model(**changes, **limits)
    source_BS, mask_BS = toy_sources(*LENGTHS)
    wanted = [slots_in(ids) for ids in source_BS.tolist()]
    assert max(map(Counter.total, wanted)) > 2 and Counter() in wanted
    greedy = greedy_search(model, source_BS, mask_BS, WITH_SLOTS)
    assert [slots_in(ids) for ids in greedy] == wanted
    for beam_size in (1, 4):
        search = partial(beam_search, beam_size=beam_size, alpha=1.0)
        found = search(model, source_BS, mask_BS, WITH_SLOTS)
        for row, length in enumerate(LENGTHS):
            assert found[row] and len(found[row]) <= beam_size
            for one in found[row]:
                assert slots_in(one.ids) == wanted[row]
                assert one.score > -torch.inf
                assert len(one.ids) <= model.max_target_pieces(length)
            here = slice(row, row + 1), slice(length)
            [alone] = search(model, source_BS[here], mask_BS[here], WITH_SLOTS)
            assert [one.ids for one in alone] == [one.ids for one in found[row]]
        if beam_size == 1:
            assert [one[0].ids for one in found] == greedy


def test_without_slots_in_its_source_a_sentence_has_the_words_of_a_search_without_them() -> None:
    model = toy_model()
    with torch.no_grad():
        model.output_bias_V[list(SLOTS)] = -1e3
    source_BS, mask_BS = toy_sources(5, 7)
    source_BS[(source_BS >= SLOTS.start) & (source_BS < SLOTS.stop)] = SLOTS.stop
    search = partial(beam_search, beam_size=3, alpha=1.0)
    with_slots = search(model, source_BS, mask_BS, WITH_SLOTS)
    assert with_slots == search(model, source_BS, mask_BS, SPECIAL)


@torch.no_grad()
def test_scores_are_the_models_own() -> None:
    model = toy_model()
    source_BS, mask_BS = toy_sources(6)
    source_BS[0, 1] = SLOTS.start
    [found] = beam_search(model, source_BS, mask_BS, WITH_SLOTS, beam_size=3, alpha=0.8)
    for one in found:
        ids = [*one.ids, SPECIAL.end]
        target_BT = torch.tensor([[SPECIAL.start, *one.ids]])
        logits_TV = model(source_BS, mask_BS, target_BT).logits_BTV[0]
        logits_TV[:, [SPECIAL.padding, SPECIAL.start]] = -torch.inf
        log_p_TV = logits_TV.float().log_softmax(dim=-1)
        expected = sum(float(log_p_TV[place, word]) for place, word in enumerate(ids))
        if len(one.ids) < model.max_target_pieces(6):
            assert one.score == pytest.approx(expected / length_penalty(len(ids), 0.8), abs=1e-4)


def test_the_end_is_ruled_out_while_slots_are_left_and_a_slot_that_was_used_up() -> None:
    source_NS = torch.tensor([[3, 3, 5, 2], [7, 8, 9, 2]])
    left = SlotsLeft.of(source_NS, torch.tensor([9, 9]), SLOTS, SPECIAL.end)
    assert left.left_NL.tolist() == [[2, 0, 1], [0, 0, 0]]
    allowed_NV = allowed(left, written=0)
    ruled_out = [[place for place, one in enumerate(row) if not one] for row in allowed_NV.tolist()]
    assert ruled_out == [[SPECIAL.end, 4], [3, 4, 5]]
    left = left.after(torch.tensor([5, 9]))
    assert left.left_NL.tolist() == [[2, 0, 0], [0, 0, 0]]
    only_slots_NV = allowed(left, written=7)
    assert only_slots_NV[0].nonzero().flatten().tolist() == [3]
    assert only_slots_NV[1, SPECIAL.end]
    assert left.select(torch.tensor([1, 0, 0])).left_NL.tolist() == [[0, 0, 0], *[[2, 0, 0]] * 2]
