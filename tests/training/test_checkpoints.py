"""The fingerprint that identifies a training run, and damaged checkpoints."""

from __future__ import annotations

import errno
import os
import random
import shutil
import zipfile
from pathlib import Path

import pytest
import torch

import tracelate
from tests.tiny_corpus import PROJECT, build_wheel, tiny_settings, write_params
from tracelate.code_files import reached_files
from tracelate.config import load_params
from tracelate.metric_table import METRICS
from tracelate.training.checkpoint_files import WholeCheckpointIO, best_checkpoint
from tracelate.training.checkpoints import (
    BEFORE_LAST,
    BEST,
    LAST,
    fingerprint,
    recover_checkpoints,
    resume_step,
)

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


def write_checkpoint(path: Path, step: int) -> None:
    """Writes a small checkpoint with Lightning's keys that matter here."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = torch.arange(300, dtype=torch.float32)
    torch.save({"global_step": step, "state_dict": {"weight": weights}}, path)


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """The folder of a training that was stopped at step 7, after one at step 4."""
    folder = tmp_path / "fingerprint"
    for name, step in ((BEFORE_LAST, 4), (LAST, 7), (BEST, 7)):
        write_checkpoint(folder / name, step)
    return folder


def test_no_changed_byte_of_a_checkpoint_changes_what_is_resumed(stopped: Path) -> None:
    last = stopped / LAST
    (stopped / BEFORE_LAST).unlink()
    best, whole = (stopped / BEST).read_bytes(), last.read_bytes()
    assert recover_checkpoints(stopped) is None and resume_step(stopped) == 7
    detected = 0
    with zipfile.ZipFile(last) as archive:
        directory = archive.start_dir  # of the archive, which has no checksum
    places = random.Random(0).sample(range(directory), 300)
    for place in [*places, *range(directory, len(whole))]:
        changed = bytearray(whole)
        changed[place] ^= 0xFF
        last.write_bytes(changed)
        if recover_checkpoints(stopped) is None:
            content = torch.load(last, weights_only=True)
            assert content["global_step"] == 7
            assert torch.equal(content["state_dict"]["weight"], torch.arange(300.0))
        else:
            detected += 1
            aside = stopped.with_name("fingerprint.damaged")
            assert (aside / LAST).read_bytes() == changed
            assert resume_step(stopped) == 0
            stopped.mkdir()
            (stopped / BEST).write_bytes(best)
    assert detected > 300


DAMAGED = pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no checkpoint", None])


def damage(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


@DAMAGED
def test_a_damaged_last_checkpoint_is_replaced_by_the_one_before(
    stopped: Path, content: bytes | None
) -> None:
    damage(stopped / LAST, content)
    message = recover_checkpoints(stopped)
    assert message is not None and f"{stopped} was damaged: training resumes" in message
    assert resume_step(stopped) == 4


@DAMAGED
def test_a_folder_whose_best_weights_are_damaged_is_set_aside(
    stopped: Path, content: bytes | None
) -> None:
    damage(stopped / BEST, content)
    message = recover_checkpoints(stopped)
    assert message is not None and f"{stopped} was damaged or missing" in message
    assert not stopped.exists() and (stopped.with_name("fingerprint.damaged") / LAST).is_file()


@pytest.mark.parametrize("content", [{}, [], {"global_step": "7", "state_dict": {}}])
def test_a_checkpoint_without_its_parts_is_damaged(stopped: Path, content: object) -> None:
    torch.save(content, stopped / LAST)
    assert recover_checkpoints(stopped) is not None and resume_step(stopped) == 4


def test_a_folder_without_checkpoints_is_not_damaged(tmp_path: Path) -> None:
    assert recover_checkpoints(tmp_path / "none") is None


def test_a_training_that_was_killed_in_its_first_epoch_starts_again(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / BEST, 3)
    assert recover_checkpoints(tmp_path) is None and resume_step(tmp_path) == 0


def test_a_checkpoint_is_written_whole_and_the_one_before_is_kept(tmp_path: Path) -> None:
    files = WholeCheckpointIO()
    for step in (1, 2, 3):
        files.save_checkpoint({"global_step": step, "state_dict": {}}, tmp_path / LAST)
    assert sorted(path.name for path in tmp_path.iterdir()) == [BEFORE_LAST, LAST]
    assert resume_step(tmp_path) == 3
    assert torch.load(tmp_path / BEFORE_LAST, weights_only=True)["global_step"] == 2


def test_a_full_disk_leaves_the_earlier_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = WholeCheckpointIO()
    files.save_checkpoint({"global_step": 1, "state_dict": {}}, tmp_path / LAST)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"last\.ckpt"):
        files.save_checkpoint({"global_step": 2, "state_dict": {}}, tmp_path / LAST)
    assert [path.name for path in tmp_path.iterdir()] == [LAST] and resume_step(tmp_path) == 1


def test_the_best_score_is_kept_where_the_folder_was_moved(tmp_path: Path) -> None:
    before = best_checkpoint(tmp_path / "before", monitor="valid_bleu", mode="max")
    path = str(tmp_path / "before" / BEST)
    before.best_model_path = before.kth_best_model_path = path
    before.best_model_score = torch.tensor(17.0)
    before.best_k_models = {path: torch.tensor(17.0)}
    after = best_checkpoint(tmp_path / "after", monitor="valid_bleu", mode="max")
    after.load_state_dict(before.state_dict())
    moved = str(tmp_path / "after" / BEST)
    assert after.best_model_path == after.kth_best_model_path == moved
    assert after.best_model_score == 17 and after.best_k_models == {moved: torch.tensor(17.0)}
