"""Names of runs, with the settings that an experiment tries out."""

from __future__ import annotations

import copy
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_corpus import SETTINGS, write_params
from tracelate.config import load_params
from tracelate.tracking.runs.run_names import changed_settings, experiment_name, run_name


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Settings that are committed in a repository, in which the test runs."""
    monkeypatch.chdir(tmp_path)
    write_params(tmp_path, SETTINGS)
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "settings")):
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", *identity, *arguments], check=True)
    return load_params().model_dump()


def changed(params: dict[str, Any], **values: object) -> dict[str, Any]:
    """`__` in a name is its dot."""
    copied = copy.deepcopy(params)
    for name, value in values.items():
        section, _, key = name.partition("__")
        copied[section][key] = value
    return copied


def test_the_committed_settings_have_the_plain_name(params: dict[str, Any]) -> None:
    assert changed_settings(params) == {}
    assert experiment_name(params) == run_name(params) == "en-es gru, general"


def test_an_experiment_is_named_by_what_it_tries_out(params: dict[str, Any]) -> None:
    tried = changed(params, train__seed=2, train__learning_rate=0.5, model__attention="additive")
    assert experiment_name(tried) == "en-es gru, additive, seed 2, learning_rate 0.5"


def test_settings_without_an_effect_on_results_are_no_part_of_the_name(
    params: dict[str, Any],
) -> None:
    assert changed_settings(changed(params, runtime__threads=7, registry__name="other")) == {}


def test_a_hash_is_no_part_of_the_name(params: dict[str, Any]) -> None:
    catalogs = {**params["download"]["catalogs"], "version": "9.1", "sha256": "ab" * 32}
    tried = changed(params, download__catalogs=catalogs)
    assert experiment_name(tried) == "en-es gru, general, version 9.1"


def test_many_changes_are_counted(params: dict[str, Any]) -> None:
    tried = changed(
        params,
        train__seed=2,
        train__learning_rate=0.5,
        train__epochs=3,
        train__batch_tokens=99,
        evaluate__beam_size=9,
    )
    assert experiment_name(tried).endswith(", 2 more")


def test_outside_a_repository_the_name_is_plain(
    params: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(folder.parent))
    monkeypatch.chdir(folder)
    assert experiment_name(changed(params, train__seed=2)) == "en-es gru, general"
