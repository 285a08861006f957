"""Writing a sweep to MLflow: a parent run, and the state of each trial's run.

The run of a trial is made by its training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tracelate.git import current_commit
from tracelate.tracking.runs.run_contents import RunContents
from tracelate.tracking.runs.run_writer import RunWriter
from tracelate.tracking.runs.runs import find_noted, source_tags, start_run
from tracelate.tracking.runs.trials import STATE_TAG, SWEEP_TAG, TrialNote, trial_tags
from tracelate.tracking.store.store import connect
from tracelate.training.curve_files import VALID_COLUMNS

FOLDER = "sweep"
"""Folder of the sweep's files among the artifacts of its run."""
BEST = "best."
"""Beginning of the names of tags with the best settings."""


def start_sweep(
    experiment: str, name: str, sweep_id: str, params: Mapping[str, Any], file: Path
) -> str:
    """Starts the run of a sweep, or continues that of a sweep that was stopped. Returns its id.

    `params` are what cannot change while the sweep goes on. Raises StoreError if MLflow fails.
    """
    tags = {SWEEP_TAG: name, **source_tags(current_commit())}
    run, _ = start_run(experiment, f"sweep {name}", tags, sweep_id)
    run.write(RunContents(params=params, files={FOLDER: [file]}))
    return run.run_id


def end_trial(
    run_id: str,
    note: TrialNote,
    experiment: str,
    state: str,
    metrics: Mapping[str, float],
    validations: Sequence[Mapping[str, Any]],
) -> None:
    """Marks the run of a trial that has ended; a pruned one has the status KILLED.

    A run that does not exist, since MLflow did not answer, stays missing. Raises StoreError if
    MLflow fails.
    """
    store = connect()
    if (found := find_noted(store, run_id, experiment)) is None:
        return
    run = RunWriter(store, found.run_id)
    run.set_tags({**trial_tags(note), STATE_TAG: state})
    if state != "complete":
        run.log_curve(
            [
                {
                    "step": row["step"],
                    **{name: row[name] for name in VALID_COLUMNS if row.get(name) is not None},
                }
                for row in validations
            ]
        )
        store.runs.end(found.run_id, "KILLED" if state == "pruned" else "FAILED")
    run.log_metrics(metrics)


def end_sweep(
    run_id: str,
    *,
    best: Mapping[str, Any],
    metrics: Mapping[str, float],
    files: Sequence[Path],
    is_finished: bool,
) -> None:
    """Writes the outcome of a sweep to its run, in place of an earlier one.

    The run is finished, or killed if the sweep was stopped. Raises StoreError if MLflow fails.
    """
    store = connect()
    run = RunWriter(store, run_id)
    run.write(
        RunContents(
            tags={f"{BEST}{name}": str(value) for name, value in best.items()},
            metrics=metrics,
            files={FOLDER: files},
        )
    )
    store.runs.end(run_id, "FINISHED" if is_finished else "KILLED")
