"""The values of an evaluation under the names that they have in MLflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tracelate import layout
from tracelate.evaluation.report import Metrics, read_translations

SHARPNESS = "sharpness_by_position"
TABLE_COLUMNS = (
    "source",
    "reference",
    "translation",
    "sentence_bleu",
    "sentence_chrf",
    "group",
)


def scoring_tags(test_sha256: str, signatures: Mapping[str, str]) -> dict[str, str]:
    """Returns the tags by which runs are comparable: the test set and the scores' signatures."""
    return {
        "test_set": test_sha256[:12],
        f"sha256.{layout.TEST.as_posix()}": test_sha256,
        **{f"signature.{name}": signature for name, signature in signatures.items()},
    }


def evaluation_metrics(metrics: Metrics) -> Iterator[tuple[str, float]]:
    """Yields name and value of each score and the ends of its interval, of BLEU by source length,
    and of attention's measures.
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
    """Returns attention's sharpness by position, as a curve whose steps are tenths of a
    translation.
    """
    tenths = metrics.attention.sharpness_by_position if metrics.attention is not None else []
    return [
        {"step": tenth, f"attention_{SHARPNESS}": value}
        for tenth, value in enumerate(tenths, start=1)
    ]


def translation_columns(path: Path) -> dict[str, list[Any]]:
    """Returns the columns of translations.jsonl that MLflow shows as a table."""
    rows = list(read_translations(path))
    return {name: [getattr(row, name) for row in rows] for name in TABLE_COLUMNS}
