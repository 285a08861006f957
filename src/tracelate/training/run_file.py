"""models/run.json: which training made the weights beside it, and from which code."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tracelate.errors import InputError
from tracelate.files import write_json
from tracelate.git import Commit


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
