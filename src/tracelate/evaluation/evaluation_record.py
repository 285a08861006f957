"""evaluation.json: the record of an evaluation that was made apart from the training's own.

It names by hash what was scored: the model's files, the test set, and the results beside it.
"""

from __future__ import annotations

from pathlib import Path

from tracelate import layout
from tracelate.file_format import FileForm, FileFormat, Name, Sha256, Whole

RECORD = "evaluation.json"
RESULTS = (layout.METRICS.name, layout.TRANSLATIONS.name, layout.PAGE.name)
"""Files that an evaluation writes beside its record."""


class HashedFile(FileForm):
    """A text file that was read, without its folder."""

    name: Name
    sha256: Sha256


class ScoredModel(FileForm):
    """The model that translated."""

    name: Name
    """As the user named it."""
    files: dict[Name, Sha256]
    """Weights, settings and tokenizer."""
    training_run_id: Name | None
    """Id of the MLflow run of its training; None for a model without a lineage."""
    beam_size: Whole
    length_penalty: float
    batch_sentences: Whole


class ScoredText(FileForm):
    """The test set."""

    sentences: Whole
    sha256: Sha256
    """Of all sources and references, whatever files they were in."""
    source: HashedFile
    references: list[HashedFile]
    """Empty if the file of the sources has them too, as that of the stage test_sets does."""


class EvaluationRecord(FileForm):
    """Content of evaluation.json."""

    model: ScoredModel
    test: ScoredText
    signatures: dict[Name, Name]
    """sacrebleu's, of each score."""
    results: dict[Name, Sha256]
    """Of the files beside the record."""


RECORD_FORMAT = FileFormat(
    "evaluation.json", EvaluationRecord, [], "evaluate again with `tracelate evaluate`"
)


def write_record(folder: Path, record: EvaluationRecord) -> None:
    RECORD_FORMAT.write(folder / RECORD, record)


def read_record(folder: Path) -> EvaluationRecord:
    """Raises InputError if the record is missing, damaged or of a newer version."""
    return RECORD_FORMAT.read(folder / RECORD)
