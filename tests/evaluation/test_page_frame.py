"""The heading of the page of translations names where the evaluation comes from."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.tiny_corpus import PROJECT
from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.lineage import read_lineage
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.evaluation.page_frame import later_facts, page_frame, project_facts
from tracelate.files import read_json, write_json
from tracelate.training.model_files import load_model

OLD_PROJECT = PROJECT / "tests/formats/0.1"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(OLD_PROJECT, tmp_path / "project")
    return tmp_path / "project"


def test_a_project_s_facts_are_its_corpus_run_commit_and_date(project: Path) -> None:
    lineage = read_lineage(project / layout.LINEAGE)
    training = lineage.training
    facts = dict(project_facts(root=project))
    assert facts == {
        "Corpus": lineage.corpus,
        "Run": f"{training.run_id} of {training.experiment}",
        "Commit": str(training.commit)[:12],
    }
    report = {
        **read_json(project / layout.TRAINING_REPORT),
        "finished": "2026-11-27T01:30:00+02:00",
    }
    write_json(project / layout.TRAINING_REPORT, report)
    assert project_facts("news", project) == {
        "Test set": "news",
        **facts,
        "Trained": "2026-11-26 23:30 UTC",
    }
    run = {**read_json(project / layout.RUN), "dirty": True}
    write_json(project / layout.RUN, run)
    assert project_facts(root=project)["Commit"].endswith(", with changes that are not in it")
    write_json(project / layout.TRAINING_REPORT, {**report, "finished": "yesterday"})
    with pytest.raises(InputError, match=r"train\.json is damaged \(finished: "):
        project_facts(root=project)


def test_a_later_evaluation_s_facts_are_those_of_the_model_s_lineage(project: Path) -> None:
    lineage = read_lineage(project / layout.LINEAGE)
    facts = later_facts("new.en", "models:/tracelate@champion", lineage)
    assert list(facts) == ["Test set", "Model", "Corpus", "Run", "Commit", "Scored"]
    assert facts["Run"].startswith(lineage.training.run_id)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", facts["Scored"])
    assert list(later_facts("new.en", "models", None)) == ["Test set", "Model", "Scored"]


def test_the_title_names_the_model_the_first_score_and_the_test_set(project: Path) -> None:
    saved, metrics = load_model(project / "models").config, read_metrics(project / layout.METRICS)
    own, news = (page_frame(saved, metrics, facts) for facts in ({}, {"Test set": "news"}))
    sentences = f"{metrics.test.sentences:,} sentences"
    bleu = f"BLEU {metrics.scores[0].value:.2f}"
    assert own.title == f"{own.model}, {bleu} on {sentences}"
    assert news.title == f"{own.model}, {bleu} on news"
    assert own.model.startswith("en to ")
    assert own.facts == {"Languages": own.model.partition(":")[0], "Test set": sentences}
    assert news.facts["Test set"] == f"news, {sentences}"
