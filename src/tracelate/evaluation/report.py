"""What evaluation writes down: the translations one by one, and the scores of the whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from tracelate.errors import InputError
from tracelate.evaluation.attention_statistics import AttentionStatistics
from tracelate.evaluation.metrics import SCORE_NAMES, LengthBucket, Score
from tracelate.files import read_json, whole_file


class TranslationRow(BaseModel):
    """One test sentence, translated and scored: a line of translations.jsonl."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    source: str
    reference: str
    translation: str
    sentence_bleu: float
    """Percent; smoothed, with effective order."""
    sentence_chrf: float
    """Percent."""
    group: str
    """What the corpus was split by, such as a component or a document."""
    origin: str
    """Where in the corpus the pair comes from."""
    log_probability: float | None = None
    """Natural, divided by the length penalty of the search; None: not kept."""


class ScoredTest(NamedTuple):
    """The test set that scores were measured on."""

    sentences: int
    sha256: str
    """Of the file that the sentences were read from."""


class Metrics(NamedTuple):
    """What metrics.json holds."""

    scores: list[Score]
    buckets: list[LengthBucket]
    attention: AttentionStatistics | None
    """None without attention."""
    test: ScoredTest


def write_translations(path: Path, rows: Iterable[TranslationRow]) -> None:
    """Writes one JSON object a line (UTF-8), the same bytes for the same rows."""
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            values = row.model_dump(exclude_none=True)
            file.write(json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n")


def read_translations(path: Path) -> Iterator[TranslationRow]:
    """What `write_translations` wrote. Raises InputError, which names the line that is wrong."""
    with path.open(encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield TranslationRow.model_validate_json(line)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"]) or "the line"
                raise InputError(
                    f"{path}, line {number}: {where}: {first['msg']}; evaluate again"
                ) from error


def metrics_document(metrics: Metrics) -> dict[str, Any]:
    """The content of metrics.json: scores in percent, each under its name, and what attention was
    like, null without attention.
    """
    return {
        **{score.name: _score_document(score) for score in metrics.scores},
        "bleu_by_source_length": [
            {
                "shortest_words": bucket.shortest,
                "longest_words": bucket.longest,
                "sentences": bucket.sentences,
                "bleu": None if bucket.bleu is None else _score_document(bucket.bleu),
            }
            for bucket in metrics.buckets
        ],
        "attention": None if metrics.attention is None else metrics.attention._asdict(),
        "test": metrics.test._asdict(),
    }


def read_metrics(path: Path) -> Metrics:
    """The metrics that `metrics_document` made. Raises InputError where they are missing or
    damaged.
    """
    try:
        document = read_json(path)
        attention = document["attention"]
        return Metrics(
            scores=[_read_score(name, document[name]) for name in SCORE_NAMES],
            buckets=[
                LengthBucket(
                    bucket["shortest_words"],
                    bucket["longest_words"],
                    bucket["sentences"],
                    None if bucket["bleu"] is None else _read_score("bleu", bucket["bleu"]),
                )
                for bucket in document["bleu_by_source_length"]
            ],
            attention=None if attention is None else AttentionStatistics(**attention),
            test=ScoredTest(**document["test"]),
        )
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: evaluate the model (dvc repro)") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is damaged or of another version ({error}): evaluate again"
        ) from error


def _score_document(score: Score) -> dict[str, float | str]:
    return {
        "value": score.value,
        "low": score.low,
        "high": score.high,
        "signature": score.signature,
    }


def _read_score(name: str, document: dict[str, Any]) -> Score:
    return Score(name, document["value"], document["low"], document["high"], document["signature"])
