"""An ensemble averages what its models predict, at each step and with teacher forcing."""

from __future__ import annotations

import pytest
import torch

from tests.model.toy import CONFIGS, SPECIAL, toy_model, toy_sources
from tracelate.inference.ensemble import Ensemble
from tracelate.model.search import beam_search, greedy_search
from tracelate.model.seq2seq import Seq2Seq

LENGTHS = (6, 3, 1, 8)


def other_model(**changes: object) -> Seq2Seq:
    """A model with other weights than `toy_model`."""
    model = toy_model(**changes)
    with torch.no_grad():
        for number, parameter in enumerate(model.parameters()):
            generator = torch.Generator().manual_seed(number)
            noise = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
            parameter.add_(0.3 * parameter.std(correction=0) * noise)
    return model


@pytest.mark.parametrize("name", CONFIGS)
def test_an_ensemble_of_equal_models_translates_as_one_does(name: str) -> None:
    model = toy_model(**CONFIGS[name])
    sources = toy_sources(*LENGTHS)
    alone = beam_search(model, *sources, SPECIAL, beam_size=3, alpha=1.0)
    together = beam_search(Ensemble([model] * 3), *sources, SPECIAL, beam_size=3, alpha=1.0)
    for one, other in zip(alone, together, strict=True):
        assert [found.ids for found in one] == [found.ids for found in other]
        scores = [found.score for found in other]
        assert scores == pytest.approx([found.score for found in one], abs=1e-5)


def test_the_probabilities_are_the_mean_of_the_models() -> None:
    models = [toy_model(), other_model(architecture="transformer"), other_model(cell="lstm")]
    source_BS, mask_BS = toy_sources(*LENGTHS)
    target_BT = torch.randint(3, 17, (len(LENGTHS), 5))
    target_BT[:, 0] = SPECIAL.start
    forced = Ensemble(models)(source_BS, mask_BS, target_BT)
    each = [model(source_BS, mask_BS, target_BT) for model in models]
    mean = torch.stack([one.logits_BTV.softmax(-1) for one in each]).mean(0)
    torch.testing.assert_close(forced.logits_BTV.exp(), mean.float())
    mean = torch.stack([one.weights_BTS for one in each]).mean(0)
    torch.testing.assert_close(forced.weights_BTS, mean)


def test_steps_and_parts_give_what_teacher_forcing_does() -> None:
    ensemble = Ensemble([toy_model(input_feeding=True), other_model(architecture="transformer")])
    source_BS, mask_BS = toy_sources(*LENGTHS)
    target_BT = torch.randint(3, 17, (len(LENGTHS), 5))
    forced = ensemble(source_BS, mask_BS, target_BT)
    memory, state = ensemble.encode(source_BS, mask_BS)
    for step in range(5):
        logits_BV, state = ensemble.step(target_BT[:, step], state, memory)
        torch.testing.assert_close(logits_BV, forced.logits_BTV[:, step])
    memory, state = ensemble.encode(source_BS, mask_BS)
    weights = []
    for part_BT in torch.split(target_BT, 2, dim=1):
        weights_BTS, state = ensemble.attend(part_BT, state, memory)
        weights.append(weights_BTS)
    torch.testing.assert_close(torch.cat(weights, dim=1), forced.weights_BTS)


def test_different_models_find_what_neither_finds_alone() -> None:
    models = [toy_model(), other_model()]
    sources = toy_sources(*LENGTHS)
    alone = [greedy_search(model, *sources, SPECIAL) for model in models]
    together = greedy_search(Ensemble(models), *sources, SPECIAL)
    assert alone[0] != alone[1] and together not in alone


def test_the_length_limit_is_the_greatest() -> None:
    ensemble = Ensemble([toy_model(max_length_ratio=3), toy_model(max_length_extra=30)])
    assert [ensemble.max_target_pieces(pieces) for pieces in (1, 100)] == [32, 310]
