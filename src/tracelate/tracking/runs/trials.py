"""A training that is a trial of a sweep: the note in its folder, and the values that it reports.

The sweep writes the note `trial.json` into the folder in which the stage train runs. The training
takes the tags of its run from it, and writes each validation to `validations.jsonl` at once, which
the sweep reads while the training runs.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from pytorch_lightning.loggers import Logger

from tracelate import layout
from tracelate.file_format import FileForm, FileFormat, Name, Whole
from tracelate.files import finite_or_none, parse_json
from tracelate.training.curve_files import VALID_COLUMNS

SWEEP_TAG, TRIAL_TAG = "tracelate.sweep", "tracelate.trial"
WATCHED = "TRACELATE_TRIAL"
"""Environment variable of a training that a sweep has started."""
STATE_TAG = "tracelate.trial_state"
"""Tag of a trial's run: complete, pruned or failed."""


class TrialNote(FileForm):
    """The place of a training in its sweep."""

    sweep: Name
    trial: Whole
    name: Name
    """Name of the run in MLflow."""
    parent_run_id: Name | None
    """Run of the sweep; None if MLflow did not answer when the trial began."""


NOTE = FileFormat("trial.json", TrialNote, (), "run the sweep again")


def read_trial_note(folder: Path = Path()) -> TrialNote | None:
    """Returns the note; None in a folder that is no trial's. Raises InputError if it is damaged."""
    path = folder / layout.TRIAL
    return NOTE.read(path) if path.is_file() else None


def trial_tags(note: TrialNote) -> dict[str, str]:
    """Returns the tags by which MLflow shows a trial's run below that of its sweep."""
    parent = {} if note.parent_run_id is None else {MLFLOW_PARENT_RUN_ID: note.parent_run_id}
    return {SWEEP_TAG: note.sweep, TRIAL_TAG: str(note.trial), **parent}


def read_validations(folder: Path) -> list[dict[str, Any]]:
    """Returns the validations that a trial has written so far, in the order of their steps.

    Each has `step`, `run_id` and the measured values, of which one that was not finite is None. A
    validation that was repeated after a resumption counts once, and a line that is not whole yet is
    left out.
    """
    path = folder / layout.VALIDATIONS
    rows: dict[int, dict[str, Any]] = {}
    for line in path.read_bytes().splitlines() if path.is_file() else []:
        try:
            row = parse_json(line)
            rows[int(row["step"])] = row
        except (ValueError, TypeError, LookupError):
            continue
    return [rows[step] for step in sorted(rows)]


class TrialLogger(Logger):
    """Writes each validation to the trial's folder.

    It also stops the training, which then saves a checkpoint, when the sweep that started it has
    ended without stopping it.
    """

    def __init__(self, run_id: str, folder: Path = Path()) -> None:
        super().__init__()
        self._run_id, self._path = run_id, folder / layout.VALIDATIONS
        self._lock = folder / layout.TRIAL_LOCK
        self._is_watched = WATCHED in os.environ

    @property
    def name(self) -> str:
        return "trial"

    @property
    def version(self) -> str:
        return self._run_id

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Appends a validation. Lightning's `step` is the index of the last step, from 0."""
        measured = {name: float(metrics[name]) for name in VALID_COLUMNS if name in metrics}
        if measured and step is not None:
            row = {"step": step + 1, "run_id": self._run_id, **finite_or_none(measured)}
            # one write, begun by a line break: what a killed process left is no part of it
            with self._path.open("ab", buffering=0) as file:
                file.write(f"\n{json.dumps(row)}\n".encode())
        if self._is_watched and _is_free(self._lock):
            self._is_watched = False  # a second signal would end it without a checkpoint
            os.kill(os.getpid(), signal.SIGTERM)

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Does nothing: the folder has params.yaml."""


def _is_free(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def trial_loggers(run_id: str) -> list[Logger]:
    """Returns the logger of a trial; empty in a folder that is no trial's."""
    return [TrialLogger(run_id)] if layout.TRIAL.is_file() else []
