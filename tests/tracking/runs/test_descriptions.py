"""Descriptions of runs and registered versions on MLflow's pages."""

from __future__ import annotations

import getpass
import shutil
from pathlib import Path

import pytest

from tests.tiny_corpus import PROJECT
from tests.tracking.stored_runs import mlflow_client
from tracelate.git import Commit
from tracelate.registry.versions import register_version
from tracelate.tracking.packages.model_card import GENERATED, short_card
from tracelate.tracking.runs.evaluation_contents import TABLE_COLUMNS
from tracelate.tracking.runs.log_evaluation import describe_run
from tracelate.tracking.runs.run_writer import RunWriter
from tracelate.tracking.runs.runs import DESCRIPTION_TAG, source_tags, start_run

OLD_PROJECT = PROJECT / "tests/formats/0.1"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path) -> RunWriter:
    shutil.copy(empty_database, tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return start_run("tests", "run", source_tags(Commit(None, False)))[0]


def test_the_card_in_short_says_what_the_model_is_its_scores_and_its_origin() -> None:
    lines = short_card(OLD_PROJECT).splitlines()
    assert lines[0].startswith("Translates from en to ")
    assert next(line.split()[1] for line in lines if line.startswith("- ")) == "BLEU"
    assert any("commit `" in line for line in lines)
    assert lines[-1] == GENERATED


def test_a_run_s_description_is_the_card_unless_a_user_has_written_one(run: RunWriter) -> None:
    old, new = f"old\n{GENERATED}", f"new\n{GENERATED}"
    for card in (old, new):
        describe_run(run, card)
        assert run.tag(DESCRIPTION_TAG) == card
    run.set_tags({DESCRIPTION_TAG: "my own words"})
    describe_run(run, new)
    assert run.tag(DESCRIPTION_TAG) == "my own words"


def test_a_version_has_the_description_of_its_run(run: RunWriter) -> None:
    describe_run(run, "the card")
    experiment_id = run.store.runs.get(run.run_id).experiment_id
    for name, run_id, shown in (("one", run.run_id, "the card"), ("two", "0" * 32, "")):
        model = run.store.models.create(experiment_id, name, run.run_id, {}, {})
        version = register_version(run.store, name, model.model_id, run_id)
        assert (mlflow_client().get_model_version(name, version).description or "") == shown


def test_the_user_is_named_also_without_the_variable_user(
    run: RunWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    assert source_tags(Commit(None, False))["mlflow.user"] == getpass.getuser()
    assert run.tag("mlflow.user") == getpass.getuser()


def test_the_table_of_translations_begins_with_source_and_translation() -> None:
    assert TABLE_COLUMNS[:3] == ("source", "translation", "reference")
