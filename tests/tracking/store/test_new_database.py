"""The first use of a project's own database."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tracelate.tracking.store.failures import StoreError, UnreachableError
from tracelate.tracking.store.store import connect


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with signs of an address in its name, in which the test runs."""
    folder = tmp_path / "projects" / "a%41b%2Fc d?e#f 'ü"
    folder.mkdir(parents=True)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(folder))
    monkeypatch.chdir(folder)
    return folder


def test_a_database_is_made_in_the_project_whatever_its_name(project: Path) -> None:
    runs = connect().runs
    run_id = runs.create(runs.find_or_create_experiment("tests"), "first", {})
    assert [path.name for path in project.iterdir()] == ["mlflow.db"]
    assert [path.name for path in project.parent.iterdir()] == [project.name]
    file = project / "file.txt"
    file.write_text("content")
    runs.log_file(run_id, file)
    assert [path.read_text() for path in (project / "mlartifacts").rglob("file.txt")] == ["content"]
    assert connect().runs.find(run_id) is not None


def test_a_first_use_that_is_killed_leaves_no_database(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "search_experiments", killed)
        with pytest.raises(KeyboardInterrupt):
            connect()
    assert list(project.iterdir()) == []
    assert connect().runs.experiments()


def test_a_database_that_was_half_made_is_named_with_the_remedy(
    tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute("drop table logged_model_tags")
        database.execute("update alembic_version set version_num = '90e64c465722'")
    with pytest.raises(StoreError, match=r"mlflow\.db cannot be opened .*move it away") as raised:
        connect()
    assert not isinstance(raised.value, UnreachableError)


def test_a_server_that_does_not_answer_may_answer_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(UnreachableError):
        connect()
