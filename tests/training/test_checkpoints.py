"""The fingerprint that identifies a training run, and damaged checkpoints."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
import torch

import tracelate
from tests.tiny_corpus import PROJECT, build_wheel, tiny_settings, write_params
from tracelate.code_files import reached_files
from tracelate.config import load_params
from tracelate.metric_table import METRICS
from tracelate.training.checkpoints import fingerprint, resume_step, set_aside_damaged

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
        return fingerprint([], params.model, params.train, code, METRICS)

    before = name_of_the_run()
    assert name_of_the_run() == before
    with (tmp_path / "tracelate" / name).open("a") as file:
        file.write("# another line\n")
    assert (name_of_the_run() == before) is (name in WITHOUT_EFFECT)


def checkpoint(folder: Path) -> Path:
    """Writes a small checkpoint with Lightning's keys that matter here."""
    folder.mkdir(parents=True)
    path = folder / "last.ckpt"
    weights = torch.arange(300, dtype=torch.float32)
    torch.save({"global_step": 7, "state_dict": {"weight": weights}}, path)
    return path


def test_no_changed_byte_of_a_checkpoint_changes_what_is_resumed(tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "fingerprint")
    whole = path.read_bytes()
    assert set_aside_damaged(path.parent) is None and resume_step(path.parent) == 7
    detected = 0
    for place in random.Random(0).sample(range(len(whole)), 300):
        changed = bytearray(whole)
        changed[place] ^= 0xFF
        path.write_bytes(changed)
        if (aside := set_aside_damaged(path.parent)) is None:
            content = torch.load(path, weights_only=True)
            assert content["global_step"] == 7
            assert torch.equal(content["state_dict"]["weight"], torch.arange(300.0))
        else:
            detected += 1
            assert aside == tmp_path / "fingerprint.damaged"
            assert (aside / "last.ckpt").read_bytes() == changed
            assert resume_step(path.parent) == 0
            path.parent.mkdir()
    assert detected > 100


@pytest.mark.parametrize("name", ["last.ckpt", "best.ckpt"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no checkpoint"])
def test_a_folder_with_a_damaged_checkpoint_is_set_aside(
    tmp_path: Path, name: str, content: bytes
) -> None:
    folder = checkpoint(tmp_path / "fingerprint").parent
    (folder / name).write_bytes(content)
    assert set_aside_damaged(folder) == tmp_path / "fingerprint.damaged"
    assert not folder.exists()


@pytest.mark.parametrize("content", [{}, [], {"global_step": "7", "state_dict": {}}])
def test_a_checkpoint_without_its_parts_is_damaged(tmp_path: Path, content: object) -> None:
    path = checkpoint(tmp_path / "fingerprint")
    torch.save(content, path)
    assert set_aside_damaged(path.parent) is not None


def test_a_folder_without_checkpoints_is_not_damaged(tmp_path: Path) -> None:
    assert set_aside_damaged(tmp_path / "none") is None
