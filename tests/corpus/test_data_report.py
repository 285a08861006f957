"""reports/data.json: written by the stage prepare, read in every version."""

from __future__ import annotations

import json
from pathlib import Path

from tests.tiny_corpus import PROJECT
from tracelate.corpus.data_report import describe_normalised, read_data_report


def test_changed_texts_are_counted_by_side_and_step(finished_project: Path) -> None:
    path = finished_project / "reports/data.json"
    document = json.loads(path.read_text(encoding="utf-8"))["normalised"]
    steps = ["line_breaks", "control", "nfc", "invisible", "white_space"]
    for side in ("source", "target"):
        assert list(document[side]) == ["texts", *steps]
        assert max(document[side].values()) == document[side]["texts"]
    assert "normalising changed 0 source and 0 target texts" in describe_normalised(
        read_data_report(path)
    )


def test_a_file_of_before_they_were_counted_is_read() -> None:
    report = read_data_report(PROJECT / "tests/formats/0.1/reports/data.json")
    assert report.normalised is None
    assert describe_normalised(report) == "texts that normalising changed were not counted"
