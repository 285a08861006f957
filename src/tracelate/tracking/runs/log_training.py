"""Writing a training to MLflow: its settings when it starts, the rest from its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tracelate import layout
from tracelate.config import Params
from tracelate.corpus.sources.choose import read_provenance
from tracelate.corpus.tokenized_file import count_tokenized
from tracelate.git import Commit, current_commit
from tracelate.tracking.runs.best_effort import best_effort
from tracelate.tracking.runs.run_contents import Curve, DataFile, RunContents
from tracelate.tracking.runs.run_names import experiment_name, language_pair
from tracelate.tracking.runs.run_writer import RunWriter
from tracelate.tracking.runs.runs import (
    attach_run,
    dvc_tags,
    hash_tags,
    source_tags,
    start_run,
)
from tracelate.tracking.runs.sync_marks import finish_stage, is_synced
from tracelate.tracking.runs.trials import read_trial_note, trial_tags
from tracelate.training.curve_files import read_curve
from tracelate.training.report import read_training_report
from tracelate.training.run_file import read_training_run

CURVE_FILES = (layout.TRAIN_CURVE, layout.VALID_CURVE)
STAGE = "training"
UNUSED = ("evaluate", "registry")
"""Sections of params.yaml that a training's run gets later, if at all: evaluation logs its own."""
MEASURED = {
    "best_valid_bleu": "best_valid_bleu",
    "best_step": "best_step",
    "parameter_count": "parameter_count",
    "tokens_per_s": "target_tokens_per_s",
    "seconds": "training_seconds",
    "skipped_batches": "total_skipped_batches",
}
"""From the name of a value in reports/train.json to its name in MLflow."""


def start_training(params: Params, noted_id: str) -> RunWriter:
    """Starts the run of a training, or continues the run that was noted, as `start_run` does.

    In the folder of a sweep's trial, it is a child of the sweep's run.

    Raises UnreachableError if MLflow does not answer, and StoreError if it fails.
    """
    values = params.model_dump()
    origin = training_origin(values, current_commit())
    note = read_trial_note()
    tags = {**origin.tags, **dvc_tags(), **(trial_tags(note) if note is not None else {})}
    name = note.name if note is not None else experiment_name(values)
    run, _ = start_run(params.runtime.experiment, name, tags, noted_id)
    try:
        run.write(origin)
    except BaseException:
        with best_effort():
            run.fail()
        raise
    return run


def reattach_training(params: Params, run_id: str) -> RunWriter:
    """Returns the run of a training that was started while MLflow did not answer.

    Raises StoreError if MLflow fails.
    """
    values = params.model_dump()
    return attach_run(run_id, params.runtime.experiment, experiment_name(values), {})[0]


def track_training(run: RunWriter, params: Mapping[str, Any], root: Path = Path()) -> bool:
    """Writes a finished training's files to its run.

    Returns False if the run had them all already. Raises StoreError if MLflow fails.
    """
    files = training_files(root)
    if is_synced(run, STAGE, files):
        run.finish()  # a training that was stopped after it was written has started the run again
        return False
    run.write(training_contents(params, root))
    finish_stage(run, STAGE, files)
    return True


def training_files(root: Path = Path()) -> list[Path]:
    """Returns the files of a training that its run in MLflow contains."""
    return [
        root / path
        for path in (
            *layout.training_inputs(root),
            layout.RUN,
            layout.TRAINING_REPORT,
            *CURVE_FILES,
        )
    ]


def training_contents(params: Mapping[str, Any], root: Path) -> RunContents:
    """Reads what a finished training writes to its run."""
    training = read_training_run(root / layout.RUN)
    report, curves = root / layout.TRAINING_REPORT, [root / curve for curve in CURVE_FILES]
    origin = training_origin(params, Commit(training.commit, training.dirty), root)
    precision = read_training_report(report).precision
    return origin._replace(
        tags={**origin.tags, **({} if precision is None else {"precision": precision})},
        metrics=training_metrics(report),
        curves=[training_curve(curve) for curve in curves],
        files={STAGE: [report, *curves]},
    )


def training_origin(params: Mapping[str, Any], commit: Commit, root: Path = Path()) -> RunContents:
    """Returns the contents of a run that are known when its training starts.

    The tags name the languages, the corpus, the code and the files that are read. Runs on the same
    data have the same tag `data`.
    """
    inputs = layout.training_inputs(root)
    train, valid, _ = inputs
    hashes = hash_tags(inputs, root)
    tags = {"pair": language_pair(params), "data": hashes[f"sha256.{train}"][:12]}
    provenance = root / layout.PROVENANCE
    if provenance.is_file():
        tags["corpus"] = read_provenance(provenance).title
    return RunContents(
        params={name: section for name, section in params.items() if name not in UNUSED},
        tags={**tags, **source_tags(commit), **hashes},
        datasets=[
            DataFile(path, hashes[f"sha256.{path}"], context, count_tokenized(root / path))
            for path, context in ((train, "training"), (valid, "validation"))
        ],
    )


def training_metrics(report: Path) -> dict[str, float]:
    """Returns the values of reports/train.json under their names in MLflow."""
    values = read_training_report(report)
    return {logged: getattr(values, name) for name, logged in MEASURED.items()}


def training_curve(path: Path) -> Curve:
    """Returns the rows of a curve's file without the epoch, which MLflow does not show."""
    return [
        {name: value for name, value in row.items() if name != "epoch"} for row in read_curve(path)
    ]
