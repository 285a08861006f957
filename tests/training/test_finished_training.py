"""The result of a training that was stopped before its outputs were committed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from tracelate.training.checkpoints import LAST
from tracelate.training.curves import Curves
from tracelate.training.finished_training import (
    FINISHED,
    KEPT_DAYS,
    keep_result,
    kept_result,
    note_outputs,
    remove_committed,
)
from tracelate.training.result import TrainingResult

MD5 = "0123456789abcdef" * 2


def result() -> TrainingResult:
    curves = Curves(10)
    curves.train, curves.valid = [{"step": 10.0}], [{"step": 12.0, "valid_bleu": 7.5}]
    curves.tokens, curves.seconds = 1200, 3.5
    weights = {"weight": torch.arange(3.0)}
    return TrainingResult(weights, "bleu", curves, 12, 24, 4.5, 0, 3, "32-true")


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoints" / "fingerprint"
    folder.mkdir(parents=True)
    (folder / LAST).write_bytes(b"checkpoint")
    keep_result(folder, result())
    return folder


def test_a_kept_result_is_the_same_and_needs_no_checkpoint(finished: Path) -> None:
    kept, made = kept_result(finished), result()
    assert kept is not None and not (finished / LAST).exists()
    assert torch.equal(kept.weights["weight"], made.weights["weight"])
    assert kept.curves.state_dict() == made.curves.state_dict()
    assert kept.monitor == made.monitor and kept[3:] == made[3:]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", None])
def test_a_damaged_result_is_not_used(finished: Path, content: bytes | None) -> None:
    if content is None:
        (finished / FINISHED).unlink()
    else:
        (finished / FINISHED).write_bytes(content)
    assert kept_result(finished) is None


@pytest.mark.parametrize("value", [{}, [], {"curves": {}}, {"weights": {}, "curves": 3}])
def test_a_result_without_its_parts_is_not_used(finished: Path, value: object) -> None:
    torch.save(value, finished / FINISHED)
    assert kept_result(finished) is None


@pytest.mark.parametrize(
    ("locked", "noted", "age_days", "stays"),
    [
        (MD5, MD5, 0, False),
        ("f" * 32, MD5, 0, True),
        (None, MD5, 0, True),
        (MD5, None, 0, True),
        (MD5, "", 0, True),
        (None, None, KEPT_DAYS + 1, False),
    ],
)
def test_a_result_stays_until_the_lock_file_has_its_outputs(
    tmp_path: Path,
    finished: Path,
    locked: str | None,
    noted: str | None,
    age_days: int,
    stays: bool,
) -> None:
    lock = tmp_path / "dvc.lock"
    if locked is not None:
        lock.write_text(f"outs:\n- path: models/weights.safetensors\n  md5: {locked}\n")
    if noted is not None:
        note_outputs(finished, noted)
    made_s = (finished / FINISHED).stat().st_mtime - age_days * 86_400
    os.utime(finished / FINISHED, (made_s, made_s))
    remove_committed(finished.parent, lock)
    assert finished.exists() is stays
