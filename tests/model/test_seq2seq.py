"""The model as a whole: teacher forcing, single steps, padding and dropout."""

from __future__ import annotations

import pytest
import torch

from tests.model.toy import (
    CONFIGS,
    SPECIAL,
    VOCABULARY,
    dropout_everywhere,
    toy_config,
    toy_model,
    toy_sources,
)
from tracelate.config import DropoutConfig
from tracelate.model.dropout import DropoutMasks
from tracelate.model.seq2seq import Seq2Seq

TARGET_BT = torch.tensor([[1, 5, 9, 4, 16], [1, 3, 8, 8, 12], [1, 14, 2, 0, 0]])


@pytest.mark.parametrize("changes", CONFIGS.values(), ids=CONFIGS.keys())
def test_single_steps_equal_teacher_forcing(changes: dict[str, object]) -> None:
    model = toy_model(**changes)
    source_BS, mask_BS = toy_sources(6, 4, 2)
    forced = model(source_BS, mask_BS, TARGET_BT)
    memory, state = model.encode(source_BS, mask_BS)
    for t in range(TARGET_BT.shape[1]):
        logits_BV, state = model.step(TARGET_BT[:, t], state, memory)
        torch.testing.assert_close(logits_BV, forced.logits_BTV[:, t], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("changes", CONFIGS.values(), ids=CONFIGS.keys())
def test_padding_and_neighbours_change_nothing(changes: dict[str, object]) -> None:
    model = toy_model(**changes)
    source_BS, mask_BS = toy_sources(6, 4, 2)
    together = model(source_BS, mask_BS, TARGET_BT)
    for row, length in enumerate([6, 4, 2]):
        alone = model(
            source_BS[row : row + 1, :length],
            mask_BS[row : row + 1, :length],
            TARGET_BT[row : row + 1],
        )
        torch.testing.assert_close(
            alone.logits_BTV[0], together.logits_BTV[row], rtol=1e-6, atol=1e-6
        )
        weights_TS = together.weights_BTS[row, :, :length]
        torch.testing.assert_close(alone.weights_BTS[0], weights_TS)


@pytest.mark.parametrize("changes", CONFIGS.values(), ids=CONFIGS.keys())
def test_every_parameter_learns(changes: dict[str, object]) -> None:
    model = toy_model(**changes)
    model(*toy_sources(6, 4, 2), TARGET_BT).logits_BTV.pow(2).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_later_target_words_do_not_affect_earlier_predictions() -> None:
    model = toy_model()
    changed_BT = TARGET_BT.clone()
    changed_BT[:, 3:] = 7
    sources = toy_sources(6, 4, 2)
    before, after = model(*sources, TARGET_BT), model(*sources, changed_BT)
    torch.testing.assert_close(before.logits_BTV[:, :3], after.logits_BTV[:, :3], rtol=0, atol=0)
    assert not torch.equal(before.logits_BTV[:, 3:], after.logits_BTV[:, 3:])


def test_the_output_layer_is_tied_with_the_embeddings() -> None:
    model = toy_model()
    shapes = [tuple(parameter.shape) for parameter in model.parameters()]
    assert sum(VOCABULARY in shape and len(shape) == 2 for shape in shapes) == 1


@pytest.mark.parametrize("changes", CONFIGS.values(), ids=CONFIGS.keys())
def test_two_processes_drop_the_same_units_as_one(changes: dict[str, object]) -> None:
    model = toy_model(**changes)
    source_BS, mask_BS = toy_sources(6, 6, 6)
    whole = model(source_BS, mask_BS, TARGET_BT, DropoutMasks(11, torch.arange(3), 3))
    for rows in (torch.tensor([0, 2]), torch.tensor([1])):
        share = model(source_BS[rows], mask_BS[rows], TARGET_BT[rows], DropoutMasks(11, rows, 3))
        torch.testing.assert_close(share.logits_BTV, whole.logits_BTV[rows], rtol=1e-6, atol=1e-6)


def test_dropout_differs_between_steps_and_is_absent_in_evaluation() -> None:
    model = toy_model()
    sources = toy_sources(6, 4, 2)
    rows = torch.arange(3)
    outcomes = [
        model(*sources, TARGET_BT, masks).logits_BTV
        for masks in (*(DropoutMasks(seed, rows, 3) for seed in (1, 1, 2)), None, None)
    ]
    assert torch.equal(outcomes[0], outcomes[1])
    assert not torch.equal(outcomes[0], outcomes[2])
    assert not torch.equal(outcomes[0], outcomes[3])
    assert torch.equal(outcomes[3], outcomes[4])


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("architecture", ["recurrent", "transformer"])
@pytest.mark.parametrize("place", DropoutConfig.model_fields)
def test_dropout_acts_at_each_place_independently(
    place: str, architecture: str, layers: int
) -> None:
    model = toy_model(
        architecture=architecture,
        layers=layers,
        dropout={**dropout_everywhere(0.0), place: 0.5},
    )
    sources = toy_sources(6, 4, 2)
    trained, evaluated = (
        model(*sources, TARGET_BT, masks).logits_BTV
        for masks in (DropoutMasks(1, torch.arange(3), 3), None)
    )
    between_layers = place == "layers" and architecture == "recurrent" and layers == 1
    assert torch.equal(trained, evaluated) is between_layers


def test_embeddings_are_initialised_with_the_deviation_of_the_settings() -> None:
    torch.manual_seed(1)
    config = toy_config(embedding_size=50, embedding_deviation=0.3)
    weight_VE = Seq2Seq(config, 400, SPECIAL.padding).embedding.weight.detach()
    assert float(weight_VE.std()) == pytest.approx(0.3, rel=0.02)


def test_source_words_may_have_embeddings_of_their_own() -> None:
    def built(source_size: int | None) -> Seq2Seq:
        torch.manual_seed(1)
        return Seq2Seq(toy_config(), VOCABULARY, SPECIAL.padding, source_size)

    joint, two = built(None), built(VOCABULARY + 9)
    own = {name for name, _ in two.named_parameters()} - {*dict(joint.named_parameters())}
    assert own == {"source_embedding.weight"}
    assert two.source_embedding is not None
    assert not two.source_embedding.weight[SPECIAL.padding].any()
    source_BS = torch.tensor([[VOCABULARY + 5, 4, SPECIAL.end]])
    target_BT = torch.tensor([[SPECIAL.start, 5]])
    logits_BTV = two(source_BS, source_BS > 0, target_BT).logits_BTV
    assert logits_BTV.shape[2] == VOCABULARY
    logits_BTV.sum().backward()
    seen = two.source_embedding.weight.grad
    assert seen is not None
    assert seen.any(dim=1).nonzero().flatten().tolist() == [SPECIAL.end, 4, VOCABULARY + 5]


def test_dropout_keeps_the_expected_value() -> None:
    mask_BH = DropoutMasks(5, torch.arange(400), 400).mask(50, 0.3)
    assert sorted(set(mask_BH.flatten().tolist())) == pytest.approx([0.0, 1 / 0.7])
    assert float(mask_BH.mean()) == pytest.approx(1.0, abs=0.02)
