"""What MLflow gets of an evaluation, all of it from the files that the stage wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tracelate import layout
from tracelate.evaluation.lineage import Lineage, read_lineage, refuse_changed_files
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.evaluation.report import Metrics, read_translations
from tracelate.files import read_json, sha256_of
from tracelate.tracking.log_model import package_model
from tracelate.tracking.log_training import run_name, track_training
from tracelate.tracking.run_owner import process_tags
from tracelate.tracking.run_writer import DataFile, TrackedRun
from tracelate.tracking.runs import attach_run, hash_tags
from tracelate.tracking.sync_marks import is_mirrored, mark_mirrored
from tracelate.training.run_file import read_training_run

STAGE = "evaluation"
SHARPNESS = "sharpness_by_position"
FILES = (layout.LINEAGE, layout.METRICS, layout.SPEED, layout.TRANSLATIONS, layout.PAGE)
HASHED = (layout.TEST, layout.LINEAGE, layout.METRICS, layout.TRANSLATIONS)
TABLE_COLUMNS = (
    "source",
    "reference",
    "translation",
    "sentence_bleu",
    "sentence_chrf",
    "group",
)


class Tracked(NamedTuple):
    """What `track_evaluation` did."""

    run: TrackedRun
    is_new: bool
    """Whether the run stands for one that is gone or was evaluated by other settings."""
    wrote_training: bool
    wrote_evaluation: bool


def find_evaluation(root: Path = Path()) -> Lineage | None:
    """The lineage of the model in models/; None where that was not evaluated.

    Until a new model is evaluated, reports/ tells of the one before it.

    Raises InputError where the lineage or the training is damaged.
    """
    if not (root / layout.LINEAGE).is_file():
        return None
    lineage = read_lineage(root / layout.LINEAGE)
    if lineage.training != read_training_run(root / layout.RUN):
        return None
    hashes = {path: sha256_of(root / path) for path in lineage.model}
    return lineage if hashes == lineage.model else None


def track_evaluation(root: Path = Path()) -> Tracked:
    """Writes an evaluated model and how it was trained to MLflow: to the training's own run, or
    to one that stands for it (see `attach_run`). What is there already stays as it is.

    Raises InputError where the project has no whole evaluation, or the store cannot be reached.
    """
    lineage = read_lineage(root / layout.LINEAGE)
    refuse_changed_files(root, lineage.tokenized)
    training = lineage.training
    run, is_new = attach_run(
        training.run_id,
        training.experiment,
        run_name(lineage.params),
        {"evaluate": lineage.params["evaluate"]},
    )
    wrote_training = track_training(run, lineage.params, root)
    files = evaluation_files(root)
    wrote_evaluation = not is_mirrored(run, STAGE, files)
    if wrote_evaluation:
        _write(run, lineage, root)
        mark_mirrored(run, STAGE, files)
    return Tracked(run, is_new, wrote_training, wrote_evaluation)


def evaluation_files(root: Path = Path()) -> list[Path]:
    """What an evaluation's run in MLflow mirrors."""
    return [*(root / path for path in FILES), *_pictures(root)]


def _write(run: TrackedRun, lineage: Lineage, root: Path) -> None:
    metrics = read_metrics(root / layout.METRICS)
    test = DataFile(layout.TEST, "test", metrics.test.sentences)
    run.log_params({"evaluate": lineage.params["evaluate"]})
    run.set_tags(
        {
            **process_tags(),  # the training's process may have ended: this one writes now
            **hash_tags(HASHED, root),
            **scoring_tags(lineage.test_sha256, lineage.signatures),
        }
    )
    run.log_datasets([test], root)
    measured = dict(evaluation_metrics(metrics))
    package_model(run, lineage, test, measured, root)
    speed = read_json(root / layout.SPEED)["sentences_per_s"]
    run.log_metrics({**measured, "test_sentences_per_s": speed})
    run.log_curve(sharpness_curve(metrics))
    run.log_files(_pictures(root), "figures")
    run.log_files([root / path for path in FILES], STAGE)
    run.log_table(_table(root / layout.TRANSLATIONS), "translations.json")
    run.finish()


def scoring_tags(test_sha256: str, signatures: Mapping[str, str]) -> dict[str, str]:
    """What was scored and how, by which runs are said to be comparable."""
    return {
        "test_set": test_sha256[:12],
        f"sha256.{layout.TEST.as_posix()}": test_sha256,
        **{f"signature.{name}": signature for name, signature in signatures.items()},
    }


def evaluation_metrics(metrics: Metrics) -> Iterator[tuple[str, float]]:
    """Each score with its interval, BLEU by source length, and what attention was like, under
    MLflow's metric names.
    """
    for score in metrics.scores:
        yield f"test_{score.name}", score.value
        yield f"test_{score.name}_low", score.low
        yield f"test_{score.name}_high", score.high
    for bucket in metrics.buckets:
        if bucket.bleu is not None:
            longest = "up" if bucket.longest is None else bucket.longest
            name = f"test_bleu_by_source_length/{bucket.shortest}_{longest}_words"
            yield name, bucket.bleu.value
    if metrics.attention is not None:
        for name, value in metrics.attention._asdict().items():
            if name != SHARPNESS:
                yield f"attention_{name}", value


def sharpness_curve(metrics: Metrics) -> list[dict[str, float]]:
    """Attention's sharpness by position, as a curve whose steps are tenths of a translation."""
    tenths = metrics.attention.sharpness_by_position if metrics.attention is not None else []
    return [
        {"step": tenth, f"attention_{SHARPNESS}": value}
        for tenth, value in enumerate(tenths, start=1)
    ]


def _pictures(root: Path) -> list[Path]:
    return sorted((root / layout.FIGURES).glob("*.png"))


def _table(path: Path) -> dict[str, list[Any]]:
    rows = list(read_translations(path))
    return {name: [getattr(row, name) for row in rows] for name in TABLE_COLUMNS}
