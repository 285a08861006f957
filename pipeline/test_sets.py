"""Reads the further test sets that evaluate.tests names, and finds their text in the training text.

reads   data/prepared/train.parquet; text files, datasets and wheels that evaluate.tests names
writes  data/test_sets/NAME.parquet, data/test_sets/provenance.json (origin and sha256 of each),
        reports/test_sets.json (size and leakage of each)
params  evaluate.tests, download.source_language, download.target_language, prepare
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from pipeline.stage import run_stage, say, warn
from tracelate.config import FurtherTestConfig, Params, PrepareConfig, load_params
from tracelate.corpus.further.preparing import PreparedSet, prepare_set
from tracelate.corpus.further.report import (
    PROVENANCE_FORMAT,
    REPORT_FORMAT,
    FoundSetForm,
    FoundSetsForm,
    FurtherSetForm,
    FurtherSetsForm,
    set_path,
)
from tracelate.corpus.further.sentences import write_further_set
from tracelate.corpus.further.sources import find_set, outside_corpora
from tracelate.corpus.pairs import Pair, read_pairs
from tracelate.corpus.provenance import Provenance
from tracelate.corpus.report import describe_near_duplicate, leakage_document
from tracelate.layout import TEST_SETS, TEST_SETS_PROVENANCE, TEST_SETS_REPORT, TRAIN
from tracelate.progress import bar, spinner


def main() -> None:
    params = load_params()
    tests = params.evaluate.tests
    train = read_pairs(TRAIN) if tests else []
    sets = {test.name: read_set(test, train, params) for test in tests}
    shutil.rmtree(TEST_SETS, ignore_errors=True)
    for name, (prepared, _) in sets.items():
        write_further_set(set_path(name), prepared.further)
    report = FurtherSetsForm(
        near_duplicate=describe_near_duplicate(params.prepare.near_duplicate),
        test_sets={name: set_report(prepared) for name, (prepared, _) in sets.items()},
    )
    found = {name: found_set(*one) for name, one in sets.items()}
    PROVENANCE_FORMAT.write(TEST_SETS_PROVENANCE, FoundSetsForm(test_sets=found))
    REPORT_FORMAT.write(TEST_SETS_REPORT, report)
    for test in tests:
        for line in warnings_about(test, report.test_sets[test.name], params.prepare):
            warn(line)
    counts = (
        f"{name} {form.sentences:,} (near leakage {form.leakage.near_source_percent:.1f} %)"
        for name, form in report.test_sets.items()
    )
    say(f"test_sets: sentences of {', '.join(counts)}" if tests else "test_sets: none")


def read_set(
    test: FurtherTestConfig, train: list[Pair], params: Params
) -> tuple[PreparedSet, Provenance]:
    """Reads and prepares a test set."""
    languages = params.download.source_language, params.download.target_language
    with spinner(f"reading {test.name}"):
        found = find_set(test, languages)
    for remark in found.remarks:
        say(f"test_sets: {test.name}: {remark}")
    with bar(f"leakage of {test.name}", len(train)) as advance:
        prepared = prepare_set(test, found.further, train, params.prepare, languages, advance)
    return prepared, found.provenance


def found_set(prepared: PreparedSet, provenance: Provenance) -> FoundSetForm:
    """Returns the part of provenance.json about a test set."""
    return FoundSetForm(sha256=prepared.further.sha256, provenance=provenance)


def set_report(prepared: PreparedSet) -> FurtherSetForm:
    """Returns the part of the report about a test set."""
    return FurtherSetForm.model_validate(
        {
            "sentences": len(prepared.further.pairs),
            "references": max(map(len, prepared.further.references)),
            "dropped": prepared.dropped,
            "leakage": leakage_document(prepared.leakage),
        }
    )


def warnings_about(
    test: FurtherTestConfig, form: FurtherSetForm, prepare: PrepareConfig
) -> Iterator[str]:
    """Yields a line about each file that DVC does not see, and about leakage above the limit of
    the corpus's own test split.
    """
    for name in outside_corpora(test):
        yield (
            f"{name} of the test set {test.name!r} is outside corpora/, so DVC will not notice a "
            "change: run `dvc repro --force --single-item test_sets` after one"
        )
    near, limit = form.leakage.near_source_percent, prepare.max_near_leakage_percent
    if near > limit:
        yield (
            f"{near:.1f} % of the sentences of the test set {test.name!r} have a near duplicate in "
            f"train, above prepare.max_near_leakage_percent {limit:g}: its scores are of text that "
            f"was trained on; {TEST_SETS_REPORT} has examples"
        )


if __name__ == "__main__":
    run_stage(main, [TEST_SETS_PROVENANCE, TEST_SETS_REPORT])
