"""What makes a run another run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import tracelate
from tests.tiny_corpus import build_wheel, tiny_settings, write_params
from tracelate.config import load_params
from tracelate.training.checkpoints import fingerprint


@pytest.mark.parametrize(
    "name",
    ["model/seq2seq.py", "model/attention/local.py", "training/module.py"],
)
def test_other_code_is_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shutil.copytree(tracelate.__path__[0], tmp_path / "tracelate")
    monkeypatch.setattr(tracelate, "__path__", [str(tmp_path / "tracelate")])
    write_params(tmp_path, tiny_settings(build_wheel()))
    params = load_params(tmp_path / "params.yaml")
    before = fingerprint([], params.model, params.train)
    assert fingerprint([], params.model, params.train) == before
    with (tmp_path / "tracelate" / name).open("a") as file:
        file.write("# another line\n")
    assert fingerprint([], params.model, params.train) != before
