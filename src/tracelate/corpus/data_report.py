"""Reading of reports/data.json, apart from its writer, whose code most readers need not reach."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from tracelate.file_format import FileFormat, Name, PartForm, Whole


class SplitForm(PartForm):
    """Sizes of a split."""

    pairs: Whole


class SplitsForm(PartForm):
    """All splits."""

    train: SplitForm
    valid: SplitForm
    test: SplitForm


class LeakageForm(PartForm):
    """As `Leakage`, as far as it is read."""

    exact_source: Whole
    near_source_percent: Annotated[float, Field(ge=0, le=100)]


class LeakagesForm(PartForm):
    """Leakage of the held-out splits into the training text."""

    valid: dict[str, Any]
    test: LeakageForm


class NormalisedForm(PartForm):
    """Number of texts that normalising changed, dropped pairs included."""

    texts: Whole


class NormalisedSidesForm(PartForm):
    """Those of both sides of the raw corpus."""

    source: NormalisedForm
    target: NormalisedForm


class DataReport(PartForm):
    """Content of reports/data.json, as far as it is read."""

    normalised: NormalisedSidesForm | None = None
    """None in files of before the changes were counted."""

    splits: SplitsForm
    near_duplicate: Name
    leakage: LeakagesForm


DATA_FORMAT = FileFormat("data.json", DataReport, [], "prepare the corpus again (dvc repro)")


def describe_normalised(report: DataReport) -> str:
    """Returns how many texts normalising changed, or that an older version did not count them."""
    if (found := report.normalised) is None:
        return "texts that normalising changed were not counted"
    return (
        f"normalising changed {found.source.texts:,} source and {found.target.texts:,} target texts"
    )


def read_data_report(path: Path) -> DataReport:
    """Raises InputError if the file is missing or damaged."""
    return DATA_FORMAT.read(path)
