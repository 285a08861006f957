"""The file of a sweep."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.sweep.stand_in import write_sweep
from tests.tiny_corpus import PROJECT
from tracelate.config import load_params
from tracelate.errors import InputError
from tracelate.sweep.config import SweepConfig, read_sweep
from tracelate.sweep.space import make_space


def test_a_file_has_its_name_and_defaults(tmp_path: Path) -> None:
    name, config = read_sweep(write_sweep(tmp_path / "rates.yaml"))
    assert name == "rates"
    assert (config.sampler, config.pruner, config.seed) == ("tpe", "median", 1)
    assert config.space["train.learning_rate"].log


def test_a_list_is_a_dimension(tmp_path: Path) -> None:
    space = {"model.cell": ["gru", "lstm"]}
    _, config = read_sweep(write_sweep(tmp_path / "cells.yaml", space=space))
    assert config.space["model.cell"].choices == ["gru", "lstm"]
    assert str(config.space["model.cell"]) == "gru, lstm"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"metric": "ter"}, "metric is 'ter'"),
        ({"trials": None}, "trials and hours are missing: add one of them"),
        ({"trial": 3}, "trial is not a setting: did you mean trials?"),
        ({"space": {}}, "space is {}"),
        ({"sampler": "grid"}, "space.train.learning_rate has no step, and sampler is grid"),
        ({"hours": 0}, "hours is 0"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(
    tmp_path: Path, content: dict[str, Any], message: str
) -> None:
    path = write_sweep(tmp_path / "wrong.yaml", **content)
    with pytest.raises(InputError) as caught:
        read_sweep(path)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("dimension", "message"),
    [
        ({"low": 1}, "it needs low and high"),
        ({"low": 2, "high": 1}, "low 2 is not below high 1"),
        ({"low": 0, "high": 1, "log": True}, "log needs a low above 0 and no step"),
        ({"low": 1, "high": 9, "log": True, "step": 2}, "log needs a low above 0 and no step"),
        ({"low": 0, "high": 1, "step": 0.3}, "high is not low plus a number of steps of 0.3"),
        ({"low": 0, "high": 1, "step": -1}, "step -1 is not between 0 and high - low"),
        ({"low": 0, "high": 1, "choices": [1]}, "it has choices and a range"),
        ([1, 1], "has a value twice"),
        ([], "at least 1 item"),
        ({"low": 0, "hihg": 1}, "did you mean high?"),
    ],
)
def test_a_wrong_dimension_is_named(tmp_path: Path, dimension: Any, message: str) -> None:
    path = write_sweep(tmp_path / "wrong.yaml", space={"train.learning_rate": dimension})
    with pytest.raises(InputError, match=r"space.train.learning_rate") as caught:
        read_sweep(path)
    assert message in str(caught.value)


def test_a_step_that_fits_but_for_rounding_is_accepted(tmp_path: Path) -> None:
    space = {"train.length_noise": {"low": 0.1, "high": 0.7, "step": 0.1}}
    read_sweep(write_sweep(tmp_path / "steps.yaml", space=space))


def test_a_name_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be the name of a sweep"):
        read_sweep(write_sweep(tmp_path / "my sweep.yaml"))


def test_the_example_of_the_guide_is_valid(tmp_path: Path) -> None:
    guide = (PROJECT / "docs/guides/sweep.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    (tmp_path / "sizes.yaml").write_text(example, encoding="utf-8")
    _, config = read_sweep(tmp_path / "sizes.yaml")
    space = make_space(config, load_params(PROJECT / "params.yaml"))
    assert space.base.train.epochs == config.settings["train.epochs"]
    assert set(space.dimensions) == set(config.space)


def test_the_guide_names_each_key_with_its_default() -> None:
    guide = (PROJECT / "docs/guides/sweep.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (`.*?) \|.*\| (.*?) \|$", guide, re.MULTILINE))
    for name, field in SweepConfig.model_fields.items():
        if field.is_required() or name in ("settings", "trials", "hours"):
            assert f"{name}:" in guide
        else:
            assert rows[f"`{name}`"].strip("`") == str(field.default)
