"""The fingerprint that identifies a training run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import tracelate
from tests.tiny_corpus import PROJECT, build_wheel, tiny_settings, write_params
from tracelate.code_files import reached_files
from tracelate.config import load_params
from tracelate.training.checkpoints import fingerprint

WITHOUT_EFFECT = (
    "training/progress.py",
    "evaluation/page.py",
    "cli/comparison_tables.py",
    "errors.py",
)


@pytest.mark.parametrize(
    "name",
    [
        "model/seq2seq.py",
        "model/attention/local.py",
        "training/module.py",
        "corpus/tokenizer.py",
        *WITHOUT_EFFECT,
    ],
)
def test_a_change_of_code_with_an_effect_changes_the_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shutil.copytree(tracelate.__path__[0], tmp_path / "tracelate")
    monkeypatch.setattr(tracelate, "__path__", [str(tmp_path / "tracelate")])
    write_params(tmp_path, tiny_settings(build_wheel()))
    params = load_params(tmp_path / "params.yaml")

    def name_of_the_run() -> str:
        code = reached_files(PROJECT / "pipeline" / "train.py", "pipeline")
        return fingerprint([], params.model, params.train, code)

    before = name_of_the_run()
    assert name_of_the_run() == before
    with (tmp_path / "tracelate" / name).open("a") as file:
        file.write("# another line\n")
    assert (name_of_the_run() == before) is (name in WITHOUT_EFFECT)
