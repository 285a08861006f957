"""Writing an evaluation to MLflow from the files of its stage."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tracelate import layout
from tracelate.evaluation.lineage import Lineage, read_lineage, refuse_changed_files
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.files import read_json, sha256_of
from tracelate.tracking.evaluation_values import (
    evaluation_metrics,
    scoring_tags,
    sharpness_curve,
    translation_columns,
)
from tracelate.tracking.log_model import log_model
from tracelate.tracking.log_training import run_name, track_training
from tracelate.tracking.run_owner import process_tags
from tracelate.tracking.run_writer import DataFile, RunWriter
from tracelate.tracking.runs import attach_run, hash_tags
from tracelate.tracking.sync_marks import is_synced, mark_synced
from tracelate.training.run_file import read_training_run

STAGE = "evaluation"
HASHED = (layout.TEST, layout.LINEAGE, layout.METRICS, layout.TRANSLATIONS)


class SyncResult(NamedTuple):
    """The run that a project's files were written to, and what was written."""

    run: RunWriter
    is_new: bool
    """True if the run was created now, in place of one that is gone or has other settings."""
    wrote_training: bool
    wrote_evaluation: bool


def find_evaluation(root: Path = Path()) -> Lineage | None:
    """Returns the lineage of the model in models/, or None if that model was not evaluated.

    After a new training, the files in reports/ are those of the previous model.

    Raises InputError if the lineage or the training's file is damaged.
    """
    if not (root / layout.LINEAGE).is_file():
        return None
    lineage = read_lineage(root / layout.LINEAGE)
    if lineage.training != read_training_run(root / layout.RUN):
        return None
    hashes = {path: sha256_of(root / path) for path in lineage.model}
    return lineage if hashes == lineage.model else None


def track_evaluation(root: Path = Path()) -> SyncResult:
    """Writes an evaluated model and its training to the run that `attach_run` returns.

    What the run has already is left as it is.

    Raises InputError if the project has no complete evaluation, and StoreError if MLflow fails.
    """
    lineage = read_lineage(root / layout.LINEAGE)
    refuse_changed_files(root, lineage.tokenized)
    training, settings = lineage.training, {"evaluate": lineage.params["evaluate"]}
    name = run_name(lineage.params)
    run, is_new = attach_run(training.run_id, training.experiment, name, settings)
    wrote_training = track_training(run, lineage.params, root)
    files = evaluation_files(root)
    if is_synced(run, STAGE, files):
        return SyncResult(run, is_new, wrote_training, wrote_evaluation=False)
    _write_evaluation(run, lineage, root)
    mark_synced(run, STAGE, files)
    return SyncResult(run, is_new, wrote_training, wrote_evaluation=True)


def evaluation_files(root: Path = Path()) -> list[Path]:
    """Returns the files of an evaluation that its run in MLflow contains."""
    return [*(root / path for path in layout.EVALUATION_FILES), *_figures(root)]


def _write_evaluation(run: RunWriter, lineage: Lineage, root: Path) -> None:
    metrics = read_metrics(root / layout.METRICS)
    scores = dict(evaluation_metrics(metrics))
    speed = {"test_sentences_per_s": read_json(root / layout.SPEED)["sentences_per_s"]}
    test = DataFile(layout.TEST, "test", metrics.test.sentences)
    tags = {
        **process_tags(),  # the training's process may have ended
        **hash_tags(HASHED, root),
        **scoring_tags(lineage.test_sha256, lineage.signatures),
    }
    run.log_params({"evaluate": lineage.params["evaluate"]})
    run.set_tags(tags)
    run.log_datasets([test], root)
    log_model(run, lineage, test, scores, root)
    run.log_metrics({**scores, **speed})
    run.log_curve(sharpness_curve(metrics))
    run.log_files(_figures(root), "figures")
    run.log_files([root / path for path in layout.EVALUATION_FILES], STAGE)
    run.log_table(translation_columns(root / layout.TRANSLATIONS), "translations.json")
    run.finish()


def _figures(root: Path) -> list[Path]:
    return sorted((root / layout.FIGURES).glob("*.png"))
