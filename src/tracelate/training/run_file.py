"""models/run.json: the training that made the weights beside it, and the commit of its code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints

from tracelate.file_format import FileForm, FileFormat, Name, unchanged
from tracelate.git import COMMIT, Commit


class TrainingRun(FileForm):
    """Content of run.json."""

    run_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,250}$")]
    """Of the run in MLflow."""
    experiment: Name
    commit: Annotated[str, StringConstraints(pattern=COMMIT)] | None
    """None outside a git repository."""
    dirty: bool
    """If files differed from the commit."""


RUN_FORMAT = FileFormat(
    "run.json", TrainingRun, [unchanged], "train a model first, with `make run`"
)


def write_training_run(path: Path, run_id: str, experiment: str, commit: Commit) -> None:
    run = TrainingRun(run_id=run_id, experiment=experiment, commit=commit.sha, dirty=commit.dirty)
    RUN_FORMAT.write(path, run)


def read_training_run(path: Path) -> TrainingRun:
    """Raises InputError if the file is missing, damaged or of a newer version."""
    return RUN_FORMAT.read(path)
