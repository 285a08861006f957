"""The stage test_sets, run as by a user on the tiny corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Project
from tests.system.further_sets import TESTS, write_further_sets
from tracelate.corpus.aligned_files import read_aligned_test
from tracelate.corpus.further.sentences import read_further_set
from tracelate.corpus.pairs import read_pairs


@pytest.fixture
def prepared(project: Project) -> Project:
    """A project whose corpus is prepared, and which names two further test sets."""
    assert project.run("download", "prepare").returncode == 0
    trained = read_pairs(project.folder / "data/prepared/train.parquet")[0].source
    write_further_sets(project.folder, trained)
    project.set(evaluate__tests=TESTS, prepare__max_near_leakage_percent=50)
    return project


def read(project: Project, path: str) -> Any:
    return json.loads((project.folder / path).read_text(encoding="utf-8"))["test_sets"]


def test_each_set_is_written_with_its_origin_and_its_leakage(prepared: Project) -> None:
    done = prepared.run("test_sets")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("test_sets: sentences of news 30 (near leakage ")
    first = prepared.files()
    assert prepared.run("test_sets").returncode == 0
    assert prepared.files() == first

    found, report = (
        read(prepared, "data/test_sets/provenance.json"),
        read(prepared, "reports/test_sets.json"),
    )
    news = read_further_set(prepared.folder / "data/test_sets/news.parquet")
    texts = prepared.folder / "corpora"
    as_files = read_aligned_test(texts / "news.en", [texts / "news.es", texts / "more.es"])
    # the hash of `tracelate evaluate`, so that both can be compared
    assert news.sha256 == as_files.sha256 == found["news"]["sha256"]
    assert report["news"]["references"] == 2
    assert report["news"]["leakage"]["exact_source"] >= 1
    assert report["news"]["leakage"]["near_source"] >= 1
    assert (report["captions"]["sentences"], report["captions"]["dropped"]) == (12, {"empty": 1})
    assert str(prepared.folder) not in json.dumps(found)


def test_leakage_above_the_limit_is_a_warning(prepared: Project) -> None:
    prepared.set(evaluate__tests=TESTS[:1], prepare__max_near_leakage_percent=1.0)
    done = prepared.run("test_sets")
    assert done.returncode == 0
    [line] = done.stderr.splitlines()
    assert "of the sentences of the test set 'news' have a near duplicate in train, above" in line
    assert not (prepared.folder / "data/test_sets/captions.parquet").exists()


def test_a_file_outside_of_corpora_is_a_warning(prepared: Project) -> None:
    (prepared.folder / "corpora/news.es").rename(prepared.folder / "news.es")
    files = {**TESTS[0]["files"], "references": ["news.es"]}
    prepared.set(evaluate__tests=[{"name": "news", "files": files}])
    done = prepared.run("test_sets")
    assert done.returncode == 0
    assert "warning: news.es of the test set 'news' is outside corpora/" in done.stderr


def test_a_set_that_cannot_be_read_leaves_no_output(prepared: Project) -> None:
    assert prepared.run("test_sets").returncode == 0
    (prepared.folder / "corpora/more.es").unlink()
    done = prepared.run("test_sets")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: the test set 'news': corpora/more.es is not a regular")
    left = {Path(name).name for name in prepared.files() if "test_sets" in name}
    assert left <= {"news.parquet", "captions.parquet"}


def test_without_sets_the_stage_needs_no_training_text(project: Project) -> None:
    done = project.run("test_sets")
    assert (done.returncode, done.stdout, done.stderr) == (0, "test_sets: none\n", "")
    assert sorted(project.files()) == ["data/test_sets/provenance.json", "reports/test_sets.json"]
