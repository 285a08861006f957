"""models/run.json: which training made the weights beside it, and from which code."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from tracelate.errors import InputError
from tracelate.files import write_json

WRITTEN = (
    "dvc.lock",
    "params.yaml",
    "studies/attention/dvc.lock",
    "docs/attention.md",
    "docs/attention",
)
"""What runs and experiments write into a working copy. `dvc exp run -S` leaves its settings in
params.yaml; every lineage has them whole.
"""


class Commit(NamedTuple):
    """The code as git knows it."""

    sha: str | None
    """None outside a git repository."""
    dirty: bool
    """Whether files differ from the commit, other than WRITTEN."""


class TrainingRun(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    run_id: str
    """MLflow's."""
    experiment: str
    commit: str | None
    dirty: bool


def write_training_run(path: Path, run_id: str, experiment: str, commit: Commit) -> None:
    run = TrainingRun(run_id=run_id, experiment=experiment, commit=commit.sha, dirty=commit.dirty)
    write_json(path, run.model_dump())


def read_training_run(path: Path) -> TrainingRun:
    """Raises InputError where the file is missing or damaged."""
    try:
        return TrainingRun.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: train a model first, with `make run`") from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is damaged or of an older version: train again") from error


def current_commit(root: Path = Path()) -> Commit:
    sha = _git(root, "rev-parse", "HEAD")
    others = [f":!{path}" for path in WRITTEN]
    return Commit(sha or None, bool(_git(root, "status", "--porcelain", *others)))


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
