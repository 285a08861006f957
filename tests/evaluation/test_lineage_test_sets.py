"""Further test sets in a lineage, which may come from elsewhere or from an older version."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.lineage import lineage_document, parse_lineage, read_lineage
from tracelate.files import read_json
from tracelate.lineage.checks import check_test_set_inputs

HASH = "5e" * 32
FILES = {"source": "corpora/a.en", "references": ["corpora/a.es"], "licence": "CC0-1.0"}
NEWS: dict[str, Any] = {
    "sha256": HASH,
    "data": {"data/test_sets/news.parquet": HASH},
    "provenance": {
        "corpus": "files",
        "source": {"name": "a.en", "sha256": HASH},
        "references": [{"name": "a.es", "sha256": HASH}],
        "licence": "CC0-1.0",
        "source_language": "en",
        "target_language": "es",
        "pairs": {"test": 2},
    },
    "leakage": {"exact_source": 0, "near_source_percent": 12.5},
    "signatures": {"bleu": "nrefs:1"},
    "evaluation": {
        f"reports/tests/news/{name}": HASH
        for name in ("metrics.json", "translations.jsonl", "translations.html", "evaluation.json")
    },
}


@pytest.fixture
def document(finished_project: Path) -> dict[str, Any]:
    """A lineage with one further test set."""
    found: dict[str, Any] = read_json(finished_project / layout.LINEAGE)
    assert "test_sets" not in found  # as in those of older versions
    found["params"]["evaluate"]["tests"] = [{"name": "news", "files": FILES}]
    return {**found, "test_sets": {"news": copy.deepcopy(NEWS)}}


def test_a_lineage_without_test_sets_is_read_and_written_as_it_is(finished_project: Path) -> None:
    path = finished_project / layout.LINEAGE
    assert read_lineage(path).test_sets == {}
    assert lineage_document(read_lineage(path)) == read_json(path)


def test_a_lineage_keeps_its_test_sets(document: dict[str, Any]) -> None:
    lineage = parse_lineage(document, "here")
    assert lineage_document(lineage) == document
    assert lineage.test_set_settings("news") == FILES
    assert set(lineage.test_set_files) == {*NEWS["data"], *NEWS["evaluation"]}


def rename(document: dict[str, Any], part: str, name: str) -> None:
    document["test_sets"]["news"][part] = {name: HASH}


@pytest.mark.parametrize(
    "change",
    [
        lambda document: rename(document, "data", "/etc/passwd"),
        lambda document: rename(document, "data", "data/test_sets/../../x"),
        lambda document: rename(document, "data", "data/test_sets/other.parquet"),
        lambda document: rename(document, "evaluation", "reports/tests/news/../x"),
        lambda document: document["test_sets"]["news"]["evaluation"].pop(
            "reports/tests/news/metrics.json"
        ),
        lambda document: document["test_sets"].update({"../x": NEWS}),
        lambda document: document["test_sets"].update({"test": NEWS}),
        lambda document: document["params"]["evaluate"].update(tests=[]),
        lambda document: document["params"]["evaluate"].update(tests=3),
        lambda document: document["test_sets"]["news"]["provenance"].update(corpus="web"),
    ],
)
def test_names_and_parts_from_elsewhere_are_checked(
    document: dict[str, Any], change: Callable[[dict[str, Any]], object]
) -> None:
    change(document)
    with pytest.raises(InputError, match=r"^here is damaged \("):
        parse_lineage(document, "here")


def test_files_outside_of_the_project_are_not_read(
    document: dict[str, Any], tmp_path: Path
) -> None:
    outside = tmp_path / "a.es"
    outside.write_text("x", encoding="utf-8")
    [entry] = document["params"]["evaluate"]["tests"]
    entry["files"] = {**FILES, "references": [str(outside)]}
    checks = list(check_test_set_inputs(tmp_path / "project", parse_lineage(document, "here")))
    assert [(one.verdict, one.reason) for one in checks] == [
        ("not here", ""),
        ("not here", "it lies outside the project"),
    ]


def test_settings_that_lack_a_file_are_refused(document: dict[str, Any], tmp_path: Path) -> None:
    [entry] = document["params"]["evaluate"]["tests"]
    entry["files"] = {**FILES, "references": []}
    with pytest.raises(InputError, match=r"other text files than its settings"):
        list(check_test_set_inputs(tmp_path, parse_lineage(document, "here")))


def test_a_dataset_cannot_lead_out_of_the_project(document: dict[str, Any], tmp_path: Path) -> None:
    news = document["test_sets"]["news"]
    shared = {key: news["provenance"][key] for key in ("licence", "source_language")}
    news["provenance"] = {
        "corpus": "hub",
        "name": "set",
        "revision": None,
        "commit": None,
        "sha256_of_pairs": {"test": HASH},
        "sha256_of_files": {"/etc/passwd": HASH, "../../x": HASH},
        **shared,
        "target_language": "es",
        "pairs": {"test": 2},
    }
    hub = {"name": "corpora/set", "revision": "main", "licence": "x", "split": "test"}
    document["params"]["evaluate"]["tests"] = [{"name": "news", "hub": hub}]
    root = tmp_path / "project"
    for check in check_test_set_inputs(root, parse_lineage(document, "here")):
        assert check.verdict == "not here"
        assert check.what.startswith("corpora/set/")
