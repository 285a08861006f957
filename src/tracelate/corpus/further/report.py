"""The files about further test sets: data/test_sets/provenance.json and reports/test_sets.json."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tracelate import layout
from tracelate.config import FurtherTestConfig
from tracelate.corpus.further.sources import FurtherProvenance, changed_inputs
from tracelate.corpus.provenance import CorpusFile
from tracelate.errors import InputError
from tracelate.file_format import FileForm, FileFormat, Name, Sha256, Whole, unchanged

READ_AGAIN = "run `dvc repro --force --single-item test_sets`, then `dvc repro`"
REMEDY = "run the stage that writes it (dvc repro)"


class FurtherLeakage(FileForm):
    """As `Leakage`."""

    exact_source: Whole
    exact_target: Whole
    near_source: Whole
    near_target: Whole | None = None
    """None in files of before it was measured."""
    exact_source_percent: float
    exact_target_percent: float
    near_source_percent: float
    near_target_percent: float | None = None
    examples: list[dict[str, Any]]


class FoundSetForm(FileForm):
    """The identity and the origin of a further test set."""

    sha256: Sha256
    """Of all sources and references."""
    provenance: FurtherProvenance


class FoundSetsForm(FileForm):
    """Content of data/test_sets/provenance.json."""

    test_sets: dict[str, FoundSetForm]
    """By their names, in the order of evaluate.tests."""


class FurtherSetForm(FileForm):
    """Size and leakage of a further test set."""

    sentences: Whole
    references: Whole
    """Most references of a sentence."""
    dropped: dict[str, Whole]
    """Pairs by the rule that dropped them."""
    leakage: FurtherLeakage


class FurtherSetsForm(FileForm):
    """Content of reports/test_sets.json."""

    near_duplicate: Name
    test_sets: dict[str, FurtherSetForm]
    """By their names, in the order of evaluate.tests."""


PROVENANCE_FORMAT = FileFormat("provenance.json of the test sets", FoundSetsForm, [], REMEDY)
REPORT_FORMAT = FileFormat("test_sets.json", FurtherSetsForm, [unchanged], REMEDY)


def set_path(name: str) -> Path:
    """Returns the file of a test set, from the project's root."""
    return layout.TEST_SETS / f"{name}.parquet"


def read_found_sets(
    tests: Sequence[FurtherTestConfig], root: Path = Path()
) -> dict[str, FoundSetForm]:
    """Returns the identity of each of the `tests`, by name; without any, nothing is read.

    Raises InputError if the stage test_sets has not read all of them, or if a file of one has
    changed since, which DVC notices in corpora/ only.
    """
    if not tests:
        return {}
    path = root / layout.TEST_SETS_PROVENANCE
    found = PROVENANCE_FORMAT.read(path).test_sets
    for test in tests:
        if test.name not in found or found[test.name].provenance.corpus != test.kind:
            raise InputError(f"{path} has no test set {test.name!r} from {test.kind}: {REMEDY}")
    for name, changed in changed_test_files(tests, root):
        raise InputError(
            f"{changed.name} of the test set {name!r} has changed since it was read: {READ_AGAIN}"
        )
    return {test.name: found[test.name] for test in tests}


def changed_test_files(
    tests: Sequence[FurtherTestConfig], root: Path = Path()
) -> Iterator[tuple[str, CorpusFile]]:
    """Yields the files of test sets that have changed since they were read, with the sets' names.

    Raises InputError if provenance.json is missing or damaged.
    """
    if not tests:
        return
    found = PROVENANCE_FORMAT.read(root / layout.TEST_SETS_PROVENANCE).test_sets
    for test in tests:
        if test.name in found and found[test.name].provenance.corpus == test.kind:
            for changed in changed_inputs(test, found[test.name].provenance, root):
                yield test.name, changed
