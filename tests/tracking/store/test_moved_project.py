"""A project that was moved, renamed or copied with its store."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mlflow.tracking._tracking_service import utils

from tests.tracking.stored_runs import mlflow_client
from tracelate.tracking.runs.runs import start_run
from tracelate.tracking.store.store import connect


@pytest.fixture
def project(empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a run, a model and a version, that have files."""
    folder = tmp_path / "first #1 ü"
    folder.mkdir()
    shutil.copyfile(empty_database, folder / "mlflow.db")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(folder))
    run, _ = start_run("tests", "first", {})
    (tmp_path / "report").write_text("old")
    run.log_files([tmp_path / "report"], "old")
    client = mlflow_client()
    experiment = client.get_run(run.run_id).info.experiment_id
    model = client.create_logged_model(experiment, name="model", source_run_id=run.run_id)
    client.create_registered_model("en-es")
    client.create_model_version("en-es", model.artifact_location)
    return folder


def use(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Works in the folder as a new process would, without what MLflow keeps of a run."""
    patch.setenv("DVC_ROOT", str(folder))
    utils._artifact_repos_cache.clear()


def contents(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_moved_project_reads_and_writes_in_its_new_folder(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = project.with_name("moved")
    project.rename(moved)
    use(moved, monkeypatch)
    runs = connect().runs
    assert f"this project was in {project}: " in capsys.readouterr().err
    [run] = runs.search([str(runs.find_experiment("tests"))])
    assert run.artifact_uri.startswith((moved / "mlartifacts").as_uri())
    new = moved.with_name("new")
    new.write_text("new")
    runs.log_file(run.run_id, new, "new")
    copied = runs.download_file(run.run_id, "old/report", moved)
    assert copied.read_text() == "old"
    client = mlflow_client()
    [model] = client.search_logged_models([run.experiment_id])
    [version] = client.search_model_versions()
    for address in (model.artifact_location, version.source):
        assert str(address).startswith((moved / "mlartifacts").as_uri())
    assert not project.exists()
    assert capsys.readouterr().err == ""  # once


def test_a_copied_project_writes_in_its_own_folder(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, before = project.with_name("copy"), contents(project)
    shutil.copytree(project, copy)
    use(copy, monkeypatch)
    runs = connect().runs
    [run] = runs.search([str(runs.find_experiment("tests"))])
    new = copy.with_name("new")
    new.write_text("new")
    runs.log_file(run.run_id, new, "new")
    assert contents(project) == before and "new" in contents(copy)


def test_artifacts_that_lie_in_another_place_on_purpose_stay_there(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = mlflow_client()
    places = ["s3://bucket/mlartifacts", (tmp_path / "elsewhere").as_uri()]
    ids = [
        client.create_experiment(str(number), artifact_location=place)
        for number, place in enumerate(places)
    ]
    moved = project.with_name("moved")
    project.rename(moved)
    use(moved, monkeypatch)
    connect()
    assert [location_of(one) for one in ids] == places


def location_of(experiment_id: str) -> str:
    return str(mlflow_client().get_experiment(experiment_id).artifact_location)
