"""reports/data.json: the counts of cleaning and splitting, and the leakage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from tracelate.config import NearDuplicateConfig
from tracelate.corpus.cleaning import RULES
from tracelate.corpus.leakage import Leakage
from tracelate.corpus.splitting import HELD_OUT, Splits, count_groups
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


class DataReport(PartForm):
    """Content of reports/data.json, as far as it is read."""

    splits: SplitsForm
    near_duplicate: Name
    leakage: LeakagesForm


DATA_FORMAT = FileFormat("data.json", DataReport, [], "prepare the corpus again (dvc repro)")


def read_data_report(path: Path) -> DataReport:
    """Raises InputError if the file is missing or damaged."""
    return DATA_FORMAT.read(path)


def data_report(
    read: int,
    dropped: Mapping[str, int],
    splits: Splits,
    leakage: Mapping[str, Leakage],
    near: NearDuplicateConfig,
) -> dict[str, Any]:
    """Returns the content of the report. `read` is the number of pairs in the raw corpus."""
    return {
        "read": read,
        "kept": sum(len(pairs) for pairs in splits.values()),
        "dropped": {rule: dropped.get(rule, 0) for rule in (*RULES, HELD_OUT)},
        "splits": {
            name: {"pairs": len(pairs), "groups": count_groups(pairs)}
            for name, pairs in splits.items()
        },
        "near_duplicate": f"Jaccard similarity of character {near.gram}-grams >= {near.similarity}",
        "leakage": {name: _as_json(one) for name, one in leakage.items()},
    }


def _as_json(leakage: Leakage) -> dict[str, Any]:
    examples = [example._asdict() for example in leakage.examples]
    return {**leakage._asdict(), "examples": examples}
