"""Writing MLflow again from a project's files."""

from __future__ import annotations

from pathlib import Path

from mlflow.exceptions import MlflowException

from tracelate import layout
from tracelate.config import load_params
from tracelate.errors import InputError
from tracelate.tracking.log_evaluation import Tracked, find_evaluation, track_evaluation
from tracelate.tracking.log_training import run_name, track_training
from tracelate.tracking.runs import attach_run
from tracelate.tracking.store import StoreError, reason_of, shown_uri
from tracelate.training.run_file import read_training_run


def sync_project(root: Path = Path()) -> Tracked:
    """Writes what MLflow lacks of the project's training and, where it has one, its evaluation.

    Raises InputError where there is no whole training, or where MLflow fails.
    """
    try:
        if find_evaluation(root) is not None:
            return track_evaluation(root)
        training = read_training_run(root / layout.RUN)
        params = load_params(root / "params.yaml").model_dump()
        run, is_new = attach_run(training.run_id, training.experiment, run_name(params), {})
        return Tracked(run, is_new, track_training(run, params, root), wrote_evaluation=False)
    except FileNotFoundError as error:
        raise InputError(
            f"{error.filename} is missing: run `dvc repro`, or `dvc checkout` where DVC has it"
        ) from error
    except MlflowException as error:
        raise StoreError(
            f"MLflow at {shown_uri()} failed ({reason_of(error)}): sync again"
        ) from error
