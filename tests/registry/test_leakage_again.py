"""Leakage is measured again where the training text is the one that the lineage names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.tiny_corpus import PROJECT
from tracelate import layout
from tracelate.evaluation.lineage import Lineage, read_lineage
from tracelate.registry import leakage_again
from tracelate.registry.leakage_again import LeakageAgain, measure_leakage_again


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT / "tests/formats/0.1", tmp_path / "project"))


def measure(project: Path) -> tuple[Lineage, LeakageAgain]:
    lineage = read_lineage(project / layout.LINEAGE)
    return lineage, measure_leakage_again(lineage, project / layout.TEST, lambda *_: None, project)


def test_the_counts_of_the_lineage_are_found_again_and_others_differ(project: Path) -> None:
    lineage, again = measure(project)
    assert again.counts is not None
    stated = lineage.leakage["test"]
    assert again.differences(stated) == []
    assert {name: again.counts[name] for name in stated} == stated
    assert again.differences({**stated, "exact_source": 7, "exact_target": 8}) == [
        f"exact_source is 7 in the lineage, but {again.counts['exact_source']} were measured",
        f"exact_target is 8 in the lineage, but {again.counts['exact_target']} were measured",
    ]


def test_another_training_text_or_none_is_not_measured(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leakage_again, "MOST_COMPARISONS", 5)
    assert "would take too long" in measure(project)[1].why_not
    shutil.copyfile(project / layout.VALID, project / layout.TRAIN)
    assert "is not the one that the model was trained on" in measure(project)[1].why_not
    (project / layout.TRAIN).unlink()
    assert measure(project)[1] == LeakageAgain(None, "data/prepared/train.parquet is not here")
