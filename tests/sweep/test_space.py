"""The space of a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.sweep.stand_in import write_sweep
from tests.tiny_corpus import SETTINGS, write_params
from tracelate.config import Params, load_params
from tracelate.errors import InputError
from tracelate.sweep.config import read_sweep
from tracelate.sweep.space import Space, make_space


@pytest.fixture
def params(tmp_path: Path) -> Params:
    write_params(tmp_path, SETTINGS)
    return load_params(tmp_path / "params.yaml")


@pytest.fixture
def space_of(tmp_path: Path, params: Params) -> Any:
    def make(space: dict[str, Any], **content: Any) -> Space:
        _, config = read_sweep(write_sweep(tmp_path / "one.yaml", space=space, **content))
        return make_space(config, params)

    return make


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"train.learning_rat": [0.1]}, "not a setting: did you mean train.learning_rate?"),
        ({"model.dropout": [0.1]}, "not a setting: did you mean model.dropout."),
        ({"prepare.max_characters": [9]}, "a sweep cannot vary: it changes the sentences"),
        ({"download.target_language": ["de"]}, "it changes the corpus"),
        ({"evaluate.beam_size": [1, 5]}, "a sweep evaluates no trial"),
        ({"runtime.devices": [1, 2]}, "it changes no result"),
        ({"train.monitor": ["bleu"]}, "the setting metric of the sweep sets it"),
        ({"train.seed": [1, 2]}, "`tracelate seeds` measures"),
        ({"model.hidden_size": [24, 25]}, "model.hidden_size 25 is never valid"),
        ({"model.cell": ["gru", "gur"]}, "model.cell 'gur' is never valid"),
        ({"model.layers": {"low": 0, "high": 2}}, "model.layers 0 is never valid"),
        ({"model.dropout.layers": {"low": 0, "high": 1}}, "model.dropout.layers 1 is never valid"),
        ({"train.seed, model.layers": [1]}, "train.seed, which a sweep cannot vary"),
        (
            {"model.layers": [1, 2], "model.layers, model.heads": [1, 2]},
            "model.layers is twice in the sweep's file",
        ),
    ],
)
def test_a_space_without_sense_is_refused_before_anything_trains(
    space_of: Any, space: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        space_of(space)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_settings_of_all_trials_are_checked_too(space_of: Any) -> None:
    space = {"model.layers": [1, 2]}
    made = space_of(space, settings={"train.epochs": 1, "train.seed": 7}, metric="chrf")
    assert (made.base.train.epochs, made.base.train.seed) == (1, 7)
    assert made.base.train.monitor == "chrf"
    with pytest.raises(InputError, match=r"settings of the sweep: train.epochs is 0"):
        space_of(space, settings={"train.epochs": 0})
    with pytest.raises(InputError, match="evaluates no trial"):
        space_of(space, settings={"evaluate.beam_size": 1})
    with pytest.raises(InputError, match=r"model.layers is twice"):
        space_of(space, settings={"model.layers": 2})


def test_choices_that_are_valid_in_some_combination_are_accepted(space_of: Any) -> None:
    # additive attention is no transformer's
    both = {
        "model.architecture": ["recurrent", "transformer"],
        "model.attention": ["additive", "multi_head"],
    }
    made = space_of(both)
    with pytest.raises(InputError, match="a transformer has multi-head attention"):
        made.params({"model.architecture": "transformer", "model.attention": "additive"})


def test_losses_of_other_pieces_are_not_compared(space_of: Any) -> None:
    pieces = {"tokenize.vocabulary_size": {"low": 300, "high": 500, "step": 100}}
    assert space_of(pieces).varies_tokens
    with pytest.raises(InputError, match="losses of other pieces cannot be compared"):
        space_of(pieces, metric="loss")


def test_the_type_of_the_setting_decides_between_numbers_and_whole_numbers(space_of: Any) -> None:
    made = space_of(
        {
            "model.hidden_size": {"low": 16, "high": 32, "step": 4},
            "train.length_noise": {"low": 0, "high": 1},
            "train.learning_rate": {"low": 0.001, "high": 0.01},
        }
    )
    assert [made.is_whole(name) for name in made.dimensions] == [True, False, False]


def test_numbers_are_rounded_within_their_range(space_of: Any) -> None:
    made = space_of({"train.learning_rate, train.adam_epsilon": {"low": 0.0012344, "high": 0.01}})
    name = "train.learning_rate, train.adam_epsilon"
    assert made.values({name: 0.0023456789}) == {
        "train.learning_rate": 0.002346,
        "train.adam_epsilon": 0.002346,
    }
    assert made.values({name: 0.00123441})["train.learning_rate"] == 0.0012344
    steps = space_of({"train.length_noise": {"low": 0.1, "high": 0.7, "step": 0.1}})
    assert steps.values({"train.length_noise": 0.1 + 0.2}) == {"train.length_noise": 0.3}


def test_a_grid_has_each_combination_once(space_of: Any) -> None:
    space = {
        "train.length_noise": {"low": 0.1, "high": 0.3, "step": 0.1},
        "model.cell": ["gru", "lstm"],
    }
    made = space_of(space, sampler="grid")
    points = [tuple(point.values()) for point in made.grid()]
    assert points == [(noise, cell) for noise in (0.1, 0.2, 0.3) for cell in ("gru", "lstm")]
    many = {"train.warmup_steps": {"low": 1, "high": 1001, "step": 1}}
    with pytest.raises(InputError, match="the grid has 1,001 combinations, more than 1,000"):
        space_of(many, sampler="grid")


def test_the_values_of_params_yaml_are_a_point_of_the_space_or_none(
    space_of: Any, params: Params
) -> None:
    rate = params.train.learning_rate
    inside = {"train.learning_rate": {"low": rate / 2, "high": rate * 2}, "model.cell": ["gru"]}
    assert space_of(inside).base_point() == {"train.learning_rate": rate, "model.cell": "gru"}
    assert space_of({"model.cell": ["rnn", "lstm"]}).base_point() is None
    assert space_of({"model.hidden_size": {"low": 22, "high": 42, "step": 4}}).base_point() is None
    # two settings with one value that have several in params.yaml
    assert space_of({"model.layers, model.heads": [1, 4]}).base_point() is None
