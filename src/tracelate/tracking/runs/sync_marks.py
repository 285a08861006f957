"""Marks on a run: the files of a stage that were written to MLflow completely."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from tracelate.files import sha256_of
from tracelate.tracking.runs.run_writer import RunWriter

SYNC_TAG = "tracelate.mirrored."
"""Beginning of a tag's name, followed by the stage; stores of Tracelate 0.1 have this name."""


def is_synced(run: RunWriter, stage: str, files: Iterable[Path]) -> bool:
    """Returns True if `finish_stage` was called with files of the same names and contents."""
    return run.tag(SYNC_TAG + stage) == content_sha256(files)


def finish_stage(run: RunWriter, stage: str, files: Iterable[Path]) -> None:
    """Finishes the run and records that it has everything of a stage.

    To be called after all other writing.
    """
    run.finish()
    run.set_tags({SYNC_TAG + stage: content_sha256(files)})


def content_sha256(files: Iterable[Path]) -> str:
    """Returns one hash of the files' names and contents, in order."""
    hashes = [f"{path.name} {sha256_of(path)}" for path in files]
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()
