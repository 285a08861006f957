"""The folder of a sweep, its locks, and the record of what began it.

The system releases a lock when its holder ends, also if it is killed: a trial whose lock is free,
and that has no result, was interrupted.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from tracelate import layout
from tracelate.errors import InputError
from tracelate.file_format import FileForm, FileFormat, Name, Sha256
from tracelate.files import sha256_of
from tracelate.sweep.config import SweepConfig
from tracelate.sweep.space import Space
from tracelate.tracking.runs.run_writer import flatten

FIXED = ("metric", "sampler", "seed", "settings", "space")
"""Parts of the file of a sweep that cannot change once it has begun; its budget and pruner can."""
COMPARED = ("download", "prepare", "tokenize", "model", "train")
"""Sections of params.yaml that change the validation of a trial."""


class SweepRecord(FileForm):
    """The settings and data with which a sweep began."""

    sweep_id: Name
    """Id that is noted for its run in MLflow before the run is made."""
    file: dict[str, Any]
    """The parts FIXED of its file."""
    params: dict[str, Any]
    """The sections COMPARED of the settings, without the runtime's."""
    data: dict[str, Sha256]
    """Hashes of the files that trials read, by path."""


RECORD = FileFormat("sweep.json", SweepRecord, (), "remove the folder to begin the sweep again")


class SweepFolder(NamedTuple):
    """Paths of a sweep, relative to the project's root."""

    path: Path

    @property
    def record(self) -> Path:
        return self.path / "sweep.json"

    @property
    def study(self) -> Path:
        """Database of Optuna's study."""
        return self.path / "study.db"

    @property
    def report(self) -> Path:
        return self.path / "report.json"

    @property
    def figure(self) -> Path:
        return self.path / "sweep.png"

    @property
    def in_use(self) -> Path:
        """Lock that every process of the sweep shares."""
        return self.path / "in_use.lock"

    @property
    def turn(self) -> Path:
        """Lock of the one process that changes the list of trials."""
        return self.path / "turn.lock"

    def trial(self, number: int) -> Path:
        return self.path / "trials" / f"{number:04d}"


def sweep_folder(name: str) -> SweepFolder:
    return SweepFolder(layout.SWEEPS / name)


def record_of(config: SweepConfig, space: Space) -> SweepRecord:
    """Returns the record of a sweep that begins. Raises InputError if its data is missing."""
    params = space.base.model_dump(mode="json")
    document = config.model_dump(mode="json")
    return SweepRecord(
        sweep_id=uuid4().hex,
        file={name: document[name] for name in FIXED},
        params={name: params[name] for name in COMPARED},
        data={path.as_posix(): sha256_of(path) for path in data_files(space)},
    )


def data_files(space: Space) -> tuple[Path, ...]:
    """Returns the files that trials read, none of which has test text.

    Raises InputError if one is missing.
    """
    if space.varies_tokens:
        files, stage = (layout.TRAIN, layout.VALID), "prepare"
    else:
        files, stage = layout.training_inputs(), "tokenize"  # type: ignore[assignment]
    for path in files:
        if not path.is_file():
            raise InputError(f"{path} is missing: run `dvc repro {stage}`, then the sweep")
    return files


def refuse_other_sweep(folder: SweepFolder, new: SweepRecord) -> None:
    """Raises InputError if the folder's sweep began with other settings or data."""
    old = RECORD.read(folder.record)
    remedy = (
        "restore it, rename the sweep's file for a new sweep, or remove that folder to begin again"
    )
    for part, before, now in (
        ("in its file", old.file, new.file),
        ("in params.yaml", old.params, new.params),
        ("among its data", old.data, new.data),
    ):
        if (name := _first_difference(before, now)) is not None:
            raise InputError(
                f"the sweep in {folder.path} has begun with another {name} {part}: {remedy}"
            )


def _first_difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    old, new = dict(flatten(before)), dict(flatten(now))
    names = dict.fromkeys([*old, *new])
    return next((name for name in names if old.get(name) != new.get(name)), None)


@contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Holds a lock while the block runs, and waits for it before."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def lock_if_free(path: Path) -> int | None:
    """Returns a descriptor that holds the lock until it is closed; None if another holds it."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
