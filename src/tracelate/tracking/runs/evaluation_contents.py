"""The contents of a run from an evaluation's files, under the names that they have in MLflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tracelate import layout
from tracelate.evaluation.lineage import Lineage
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.evaluation.report import Metrics, read_speed, read_translations
from tracelate.tracking.runs.log_later_evaluation import text_tag
from tracelate.tracking.runs.run_contents import DataFile, RunContents
from tracelate.tracking.runs.run_owner import process_tags
from tracelate.tracking.runs.runs import hash_tags

STAGE = "evaluation"
TAGGED_FILES = (layout.TEST, layout.LINEAGE, layout.METRICS, layout.TRANSLATIONS)
"""Files whose sha256 a tag of the run contains."""
SHARPNESS = "sharpness_by_position"
TABLE_COLUMNS = (
    "source",
    "translation",
    "reference",
    "sentence_bleu",
    "sentence_chrf",
    "group",
)


def evaluation_files(root: Path = Path()) -> list[Path]:
    """Returns the files of an evaluation that its run in MLflow contains."""
    return [*(root / path for path in layout.EVALUATION_FILES), *_figures(root)]


def evaluation_settings(lineage: Lineage) -> dict[str, Any]:
    """Returns the settings of the evaluation on the model's own test set.

    The list of further test sets is not among them: it may change, and the own scores do not.
    """
    settings = lineage.params["evaluate"]
    return {"evaluate": {name: value for name, value in settings.items() if name != "tests"}}


def text_tags(lineage: Lineage) -> dict[str, str]:
    """Returns the tags by which a run names the text of each further test set."""
    return {text_tag(name): one.sha256 for name, one in lineage.test_sets.items()}


def evaluation_contents(lineage: Lineage, root: Path) -> RunContents:
    """Reads what an evaluation writes to its run."""
    metrics = read_metrics(root / layout.METRICS)
    speed = read_speed(root / layout.SPEED).sentences_per_s
    return RunContents(
        params=evaluation_settings(lineage),
        tags={
            **process_tags(),  # the training's process may have ended
            **hash_tags(TAGGED_FILES, root),
            **scoring_tags(lineage.test_sha256, lineage.signatures),
        },
        datasets=[DataFile(layout.TEST, lineage.test_sha256, "test", metrics.test.sentences)],
        metrics={**evaluation_metrics(metrics), "test_sentences_per_s": speed},
        curves=[sharpness_curve(metrics)],
        files={"figures": _figures(root), STAGE: [root / path for path in layout.EVALUATION_FILES]},
        tables={"translations.json": _translation_columns(root / layout.TRANSLATIONS)},
    )


def scoring_tags(test_sha256: str, signatures: Mapping[str, str]) -> dict[str, str]:
    """Returns the tags by which runs are comparable: the test set and the scores' signatures."""
    return {
        "test_set": test_sha256[:12],
        f"sha256.{layout.TEST.as_posix()}": test_sha256,
        **{f"signature.{name}": signature for name, signature in signatures.items()},
    }


def evaluation_metrics(metrics: Metrics) -> dict[str, float]:
    """Returns each score with the ends of its interval, BLEU by source length, attention's
    measures,
    and the share of each fault.
    """
    return dict(_named_values(metrics))


def sharpness_curve(metrics: Metrics) -> list[dict[str, float]]:
    """Returns attention's sharpness by position, as a curve whose steps are tenths of a
    translation.
    """
    tenths = metrics.attention.sharpness_by_position if metrics.attention is not None else []
    return [
        {"step": tenth, f"attention_{SHARPNESS}": value}
        for tenth, value in enumerate(tenths, start=1)
    ]


def _named_values(metrics: Metrics) -> Iterator[tuple[str, float]]:
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
    yield from _behaviour_values(metrics)


def _behaviour_values(metrics: Metrics) -> Iterator[tuple[str, float]]:
    """Yields the share of sentences with each fault and of invented words, in percent."""
    if metrics.behaviour is None:
        return
    for key, count in metrics.behaviour.checks.items():
        yield f"behaviour/{key}", count.percent
        if count.chrf is not None:
            yield f"behaviour/{key}_chrf", count.chrf
    if (invented := metrics.behaviour.invented_words_percent) is not None:
        yield "behaviour/invented_words", invented


def _translation_columns(path: Path) -> dict[str, list[Any]]:
    rows = list(read_translations(path))
    return {name: [getattr(row, name) for row in rows] for name in TABLE_COLUMNS}


def _figures(root: Path) -> list[Path]:
    return sorted((root / layout.FIGURES).glob("*.png"))
