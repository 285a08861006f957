"""The folders of all trainings' checkpoints, to list and to remove."""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from tracelate.errors import InputError
from tracelate.files import read_json
from tracelate.layout import FINISHED_TRAINING, RUN
from tracelate.training.checkpoints import BEFORE_LAST, DAMAGED, LAST
from tracelate.training.training_lock import lock_if_free

State = Literal["in use", "finished", "resumable", "begun", "damaged"]


class CheckpointFolder(NamedTuple):
    """A training's folder, named by its fingerprint."""

    path: Path
    state: State
    """`finished` has the result of a training until DVC has its outputs; `begun` has no checkpoint
    yet; `damaged` was set aside."""
    pid: str | None
    """Process id of the training that is under way, or "unknown"; None if there is none."""
    run_id: str | None
    """The run in MLflow, as far as it was noted."""
    size_bytes: int
    changed: datetime
    """Time of the last change of a file."""


def list_checkpoints(checkpoints: Path) -> list[CheckpointFolder]:
    """Returns the folders in the folder of all checkpoints, the one that changed last first."""
    folders = [path for path in checkpoints.glob("*") if path.is_dir()]
    return sorted(map(_described, folders), key=lambda one: one.changed, reverse=True)


def remove_checkpoints(folder: CheckpointFolder) -> None:
    """Removes a folder. Raises InputError if a training that has begun meanwhile uses it."""
    with lock_if_free(folder.path) as pid:
        if pid is not None:
            raise InputError(
                f"{folder.path} is in use by process {pid}: stop that training first, or let it end"
            )
        shutil.rmtree(folder.path)


def _described(path: Path) -> CheckpointFolder:
    with lock_if_free(path) as pid:
        pass
    stats = []
    for file in [path, *path.rglob("*")]:
        with suppress(FileNotFoundError):  # removed by its training
            stats.append(file.lstat())
    return CheckpointFolder(
        path,
        "in use" if pid is not None else _state(path),
        pid,
        _run_id(path / RUN.name),
        sum(stat.st_size for stat in stats[1:]),
        datetime.fromtimestamp(max((stat.st_mtime for stat in stats), default=0), UTC),
    )


def _state(path: Path) -> State:
    if path.name.endswith(DAMAGED):
        return "damaged"
    if (path / FINISHED_TRAINING).is_file():
        return "finished"
    is_resumable = any((path / name).is_file() for name in (LAST, BEFORE_LAST))
    return "resumable" if is_resumable else "begun"


def _run_id(note: Path) -> str | None:
    try:
        run_id = read_json(note)["run_id"]
    except (OSError, ValueError, TypeError, LookupError):
        return None
    return run_id if isinstance(run_id, str) else None
