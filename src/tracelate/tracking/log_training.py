"""Writing a training to MLflow: its settings when it starts, the rest from its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tracelate import layout
from tracelate.config import Params
from tracelate.evaluation.lineage import corpus_name
from tracelate.files import read_json
from tracelate.git import Commit, current_commit
from tracelate.model.architecture import architecture_name
from tracelate.saved_settings import model_config_of
from tracelate.tracking.run_writer import DataFile, RunWriter
from tracelate.tracking.runs import dvc_tags, hash_tags, source_tags, start_run
from tracelate.tracking.sync_marks import is_synced, mark_synced
from tracelate.training.curve_files import read_curve
from tracelate.training.run_file import read_training_run

TRAIN, VALID = layout.TOKENIZED_TRAIN, layout.TOKENIZED_VALID
CURVES = (layout.TRAIN_CURVE, layout.VALID_CURVE)
STAGE = "training"
UNUSED = ("evaluate", "registry")
"""Sections of params.yaml that do not affect a training."""
MEASURED = {
    "best_valid_bleu": "best_valid_bleu",
    "best_step": "best_step",
    "parameter_count": "parameter_count",
    "tokens_per_s": "target_tokens_per_s",
    "seconds": "training_seconds",
}
"""From the name of a value in reports/train.json to its name in MLflow."""


def start_training(params: Params, resumed_run_id: str | None) -> RunWriter:
    """Starts the run of a training, or continues the run `resumed_run_id`.

    Raises StoreError if MLflow fails.
    """
    values = params.model_dump()
    tags = {**training_tags(values, current_commit()), **dvc_tags()}
    run, is_new = start_run(params.runtime.experiment, run_name(values), tags, resumed_run_id)
    if is_new:
        _log_settings(run, values)
    return run


def track_training(run: RunWriter, params: Mapping[str, Any], root: Path = Path()) -> bool:
    """Writes a finished training's files to its run.

    Returns False if the run had them all already. Raises StoreError if MLflow fails.
    """
    files = training_files(root)
    if is_synced(run, STAGE, files):
        return False
    training = read_training_run(root / layout.RUN)
    report = read_json(root / layout.TRAINING_REPORT)
    run.set_tags(training_tags(params, Commit(training.commit, training.dirty), root))
    _log_settings(run, params, root)
    for curve in CURVES:
        run.log_curve([_without_epoch(row) for row in read_curve(root / curve)])
    run.log_metrics({MEASURED[name]: report[name] for name in MEASURED})
    run.log_files([root / layout.TRAINING_REPORT, *(root / curve for curve in CURVES)], STAGE)
    run.finish()
    mark_synced(run, STAGE, files)
    return True


def training_files(root: Path = Path()) -> list[Path]:
    """Returns the files of a training that its run in MLflow contains."""
    return [
        root / path
        for path in (*layout.TRAINING_INPUTS, layout.RUN, layout.TRAINING_REPORT, *CURVES)
    ]


def run_name(params: Mapping[str, Any]) -> str:
    """Returns the languages and the architecture, such as `en-es gru, general`."""
    return f"{language_pair(params)} {architecture_name(model_config_of(params['model']))}"


def language_pair(params: Mapping[str, Any]) -> str:
    """Returns the codes of source and target language, such as `en-es`."""
    return f"{params['download']['source_language']}-{params['download']['target_language']}"


def training_tags(params: Mapping[str, Any], commit: Commit, root: Path = Path()) -> dict[str, str]:
    """Returns the tags that name the languages, the corpus, the code and the files that were read.

    Runs on the same data have the same tag `data`.
    """
    hashes = hash_tags(layout.TRAINING_INPUTS, root)
    tags = {"pair": language_pair(params), "data": hashes[f"sha256.{TRAIN}"][:12]}
    provenance = root / layout.PROVENANCE
    if provenance.is_file():
        tags["corpus"] = corpus_name(read_json(provenance))
    return {**tags, **source_tags(commit), **hashes}


def _log_settings(run: RunWriter, params: Mapping[str, Any], root: Path = Path()) -> None:
    run.log_params({name: section for name, section in params.items() if name not in UNUSED})
    run.log_datasets(
        [_data_file(TRAIN, "training", root), _data_file(VALID, "validation", root)], root
    )


def _data_file(path: Path, context: str, root: Path) -> DataFile:
    return DataFile(path, context, pq.read_metadata(root / path).num_rows)


def _without_epoch(row: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name != "epoch"}
