"""Writing a project's files to MLflow again."""

from __future__ import annotations

from pathlib import Path

from tracelate import layout
from tracelate.config import load_params
from tracelate.errors import InputError
from tracelate.tracking.runs.log_evaluation import SyncResult, find_evaluation, track_evaluation
from tracelate.tracking.runs.log_training import track_training
from tracelate.tracking.runs.run_names import run_name
from tracelate.tracking.runs.runs import attach_run
from tracelate.training.run_file import read_training_run


def sync_project(root: Path = Path()) -> SyncResult:
    """Writes to MLflow what it lacks of the project's training and, if there is one, evaluation.

    Raises InputError if the training is incomplete, and StoreError if MLflow fails.
    """
    try:
        if find_evaluation(root) is not None:
            return track_evaluation(root)
        training = read_training_run(root / layout.RUN)
        params = load_params(root / layout.PARAMS).model_dump()
        run, is_new = attach_run(training.run_id, training.experiment, run_name(params), {})
        return SyncResult(run, is_new, track_training(run, params, root), wrote_evaluation=False)
    except FileNotFoundError as error:
        raise InputError(
            f"{error.filename} is missing: run `dvc repro`, or `dvc checkout` if DVC has it"
        ) from error
