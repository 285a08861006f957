"""The results of an evaluation: each translation, and the scores of all of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tracelate.errors import InputError
from tracelate.evaluation.attention_statistics import AttentionStatistics
from tracelate.evaluation.behaviour.result import Behaviour
from tracelate.evaluation.metrics import LengthBucket, Score
from tracelate.evaluation.sacrebleu_statistics import Reference
from tracelate.file_format import FileFormat, PartForm
from tracelate.files import whole_file


class TranslationRow(BaseModel):
    """One test sentence, translated and scored: a line of translations.jsonl."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)
    # a later version may add columns

    source: str
    reference: str
    translation: str
    sentence_bleu: Annotated[float, Field(ge=0, le=100.001)]
    """Percent; smoothed, with effective order."""
    sentence_chrf: Annotated[float, Field(ge=0, le=100.001)]
    """Percent."""
    group: str
    """The unit that the corpus was split by, such as a component or a document."""
    origin: str
    """The file of the corpus that the pair comes from, and the place in it."""
    log_probability: float | None = None
    """Natural logarithm, divided by the length penalty of the search; None if not recorded."""
    more_references: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """References after the first; an empty one is missing."""

    @property
    def references(self) -> Reference:
        """The reference, or all of several references."""
        if not self.more_references:
            return self.reference
        return (self.reference, *self.more_references)


class EvaluationSpeed(PartForm):
    """Content of reports/evaluate.json, as far as it is read."""

    sentences_per_s: float


SPEED_FORMAT = FileFormat(
    "evaluate.json", EvaluationSpeed, [], "evaluate the model again (dvc repro)"
)


def read_speed(path: Path) -> EvaluationSpeed:
    """Raises InputError if the file is missing or damaged."""
    return SPEED_FORMAT.read(path)


class ScoredTest(NamedTuple):
    """The test set that scores were measured on."""

    sentences: int
    sha256: str
    """Of the file that the sentences were read from."""


class Metrics(NamedTuple):
    """The scores of an evaluation, as in metrics.json."""

    scores: list[Score]
    buckets: list[LengthBucket]
    attention: AttentionStatistics | None
    """None without attention."""
    test: ScoredTest
    behaviour: Behaviour | None = None
    """None if it was not measured, as by versions before 0.2."""


def write_translations(path: Path, rows: Iterable[TranslationRow]) -> None:
    """Writes one JSON object a line (UTF-8), the same bytes for the same rows."""
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            values = row.model_dump(exclude_none=True, exclude=_absent(row))
            file.write(json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n")


def _absent(row: TranslationRow) -> set[str]:
    return set() if row.more_references else {"more_references"}


def read_translations(path: Path) -> Iterator[TranslationRow]:
    """Reads what `write_translations` wrote. Raises InputError that names a wrong line."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield TranslationRow.model_validate_json(line)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"]) or "the line"
                raise InputError(
                    f"{path}, line {number}: {where}: {first['msg']}; evaluate again"
                ) from error
