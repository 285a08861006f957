"""A project that was moved, renamed or copied, whose database names files by absolute addresses."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.tiny_corpus import SETTINGS, write_params
from tests.tracking.stored_runs import mlflow_client
from tracelate.doctor.doctor import find_problems, fix
from tracelate.layout import DATABASE
from tracelate.tracking.store.failures import StoreError
from tracelate.tracking.store.moved_artifacts import places_elsewhere, relocate
from tracelate.tracking.store.store import connect

NAMES = ["renamed", "a%41b%2Fc d?e#f 'ü"]
"""The second has signs of an address."""


@pytest.fixture
def project(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose database has a run with a file, a model with a file, and its version."""
    folder = tmp_path / "first"
    folder.mkdir()
    shutil.copy(empty_database, folder / DATABASE)
    write_params(folder, SETTINGS)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    enter(folder, monkeypatch)
    store = connect()
    experiment = store.runs.find_or_create_experiment("tests")
    run_id = store.runs.create(experiment, "first", {})
    (folder / "file.txt").write_text("first")
    store.runs.log_file(run_id, folder / "file.txt")
    model = store.models.create(experiment, "model", run_id, {}, {})
    store.models.log_file(model.model_id, folder / "file.txt")
    store.models.finish(model.model_id)
    client = mlflow_client()
    client.create_registered_model("registered")
    client.create_model_version(
        "registered", model.artifact_location, run_id, model_id=model.model_id
    )
    return folder


def enter(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("DVC_ROOT", str(folder))
    # MLflow keeps a store for each address, and that of a path with % is relative
    patch.chdir(folder.parent)


def stored_texts(folder: Path) -> list[str]:
    """Contents of the run's file and of the model's, as MLflow finds them by their addresses."""
    client = mlflow_client()
    [experiment] = [one for one in client.search_experiments() if one.name == "tests"]
    [run] = [one for one in client.search_runs([experiment.experiment_id]) if one.info.run_name]
    [version] = client.search_model_versions("name = 'registered'")
    run_file = client.download_artifacts(run.info.run_id, "file.txt", str(folder))
    uri = f"models:/registered/{version.version}"
    model = connect().models.download(uri, folder / "downloaded")
    return [Path(run_file).read_text(), (model / "file.txt").read_text()]


@pytest.mark.parametrize("name", NAMES)
def test_a_moved_project_is_refused_until_doctor_has_set_the_addresses(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    moved = project.rename(tmp_path / name)
    enter(moved, monkeypatch)
    with pytest.raises(StoreError) as error:
        connect()
    message = str(error.value)
    assert str(project / "mlartifacts") in message
    assert str(moved) in message
    assert "tracelate doctor --fix" in message
    [problem] = [one for one in find_problems() if "moved or copied" in one.what]
    assert fix([problem]) == [f"fixed: {problem.what}"]
    assert stored_texts(moved) == ["first", "first"]
    assert not project.exists()


def test_a_copy_changes_nothing_of_the_original(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(project, tmp_path / "copy"))
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    enter(copy, monkeypatch)
    with pytest.raises(StoreError, match="moved or copied"):
        connect()
    relocate()
    store = connect()
    run_id = store.runs.create(store.runs.find_or_create_experiment("tests"), "second", {})
    store.runs.log_file(run_id, copy / "file.txt")
    assert len([*(copy / "mlartifacts").rglob("file.txt")]) == 3
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_a_project_that_was_moved_twice_is_found_by_every_address(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    second = project.rename(tmp_path / "second")
    enter(second, monkeypatch)
    relocate()
    store = connect()
    store.runs.find_or_create_experiment("another")
    third = second.rename(tmp_path / "third")
    enter(third, monkeypatch)
    relocate()
    assert places_elsewhere() == []
    assert stored_texts(third) == ["first", "first"]


def test_other_places_are_left_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    places = ["s3://bucket/mlartifacts", (tmp_path / "shared").as_uri(), f"{project}/mlartifacts2"]
    client = mlflow_client()
    for place in places:
        client.create_experiment(place, artifact_location=place)
    moved = project.rename(tmp_path / "moved")
    enter(moved, monkeypatch)
    relocate()
    found = {one.name: one.artifact_location for one in mlflow_client().search_experiments()}
    assert {name: found[name] for name in places} == dict(zip(places, places, strict=True))


def test_two_paths_to_one_folder_are_one_place(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(project)
    enter(link, monkeypatch)
    assert places_elsewhere() == []
    assert stored_texts(project) == ["first", "first"]


def test_a_server_and_another_database_have_places_of_their_own(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    moved = project.rename(tmp_path / "moved")
    enter(moved, monkeypatch)
    assert places_elsewhere()
    for address in ("http://127.0.0.1:1", f"sqlite:///{tmp_path}/other.db"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        assert places_elsewhere() == []
