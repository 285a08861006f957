"""Whether MLflow has a stage's files: a tag on the run, written after all else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from tracelate.files import sha256_of
from tracelate.tracking.run_writer import TrackedRun

TAG = "tracelate.mirrored."


def is_mirrored(run: TrackedRun, stage: str, files: Iterable[Path]) -> bool:
    """Whether `mark_mirrored` was called with files of the same content."""
    return run.tag(TAG + stage) == content_sha256(files)


def mark_mirrored(run: TrackedRun, stage: str, files: Iterable[Path]) -> None:
    run.set_tags({TAG + stage: content_sha256(files)})


def content_sha256(files: Iterable[Path]) -> str:
    """Of the files' names and contents, in order."""
    hashes = [f"{path.name} {sha256_of(path)}" for path in files]
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()
