"""What MLflow gets of a training: settings and origin when it starts, the rest from its files."""

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
from tracelate.tracking.run_writer import DataFile, TrackedRun
from tracelate.tracking.runs import dvc_tags, hash_tags, source_tags, start_run
from tracelate.tracking.sync_marks import is_mirrored, mark_mirrored
from tracelate.training.curve_files import read_curve
from tracelate.training.model_files import TOKENIZER
from tracelate.training.run_file import read_training_run

TRAIN, VALID = layout.TOKENIZED / "train.parquet", layout.TOKENIZED / "valid.parquet"
READ = (TRAIN, VALID, layout.TOKENIZED / TOKENIZER)
CURVES = (layout.CURVES / "train.csv", layout.CURVES / "valid.csv")
STAGE = "training"
UNUSED = ("evaluate", "registry")
"""Sections of params.yaml that no training depends on."""
MEASURED = {
    "best_valid_bleu": "best_valid_bleu",
    "best_step": "best_step",
    "parameter_count": "parameter_count",
    "tokens_per_s": "target_tokens_per_s",
    "seconds": "training_seconds",
}
"""From a name in reports/train.json to its name in MLflow."""


def start_training(params: Params, resumed_run_id: str | None) -> TrackedRun:
    """The run of a training that begins, or goes on in `resumed_run_id`."""
    values = params.model_dump()
    tags = {**training_tags(values, current_commit()), **dvc_tags()}
    run, is_new = start_run(params.runtime.experiment, run_name(values), tags, resumed_run_id)
    if is_new:
        _log_settings(run, values)
    return run


def track_training(run: TrackedRun, params: Mapping[str, Any], root: Path = Path()) -> bool:
    """Writes a finished training's files to its run; False where they are all there already."""
    files = training_files(root)
    if is_mirrored(run, STAGE, files):
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
    mark_mirrored(run, STAGE, files)
    return True


def training_files(root: Path = Path()) -> list[Path]:
    """What a training's run in MLflow mirrors."""
    return [root / path for path in (*READ, layout.RUN, layout.TRAINING_REPORT, *CURVES)]


def run_name(params: Mapping[str, Any]) -> str:
    """The languages and what a person calls the model, such as `en-es gru, general`."""
    return f"{language_pair(params)} {architecture_name(model_config_of(params['model']))}"


def language_pair(params: Mapping[str, Any]) -> str:
    return f"{params['download']['source_language']}-{params['download']['target_language']}"


def training_tags(params: Mapping[str, Any], commit: Commit, root: Path = Path()) -> dict[str, str]:
    """What a run is about and what it read; runs of the same data have the same tag `data`."""
    hashes = hash_tags(READ, root)
    tags = {"pair": language_pair(params), "data": hashes[f"sha256.{TRAIN}"][:12]}
    provenance = root / layout.PROVENANCE
    if provenance.is_file():
        tags["corpus"] = corpus_name(read_json(provenance))
    return {**tags, **source_tags(commit), **hashes}


def _log_settings(run: TrackedRun, params: Mapping[str, Any], root: Path = Path()) -> None:
    run.log_params({name: section for name, section in params.items() if name not in UNUSED})
    run.log_datasets(
        [_data_file(TRAIN, "training", root), _data_file(VALID, "validation", root)], root
    )


def _data_file(path: Path, context: str, root: Path) -> DataFile:
    return DataFile(path, context, pq.read_metadata(root / path).num_rows)


def _without_epoch(row: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name != "epoch"}
