"""The typed store: all pages of a list, errors by their code, and what is missing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from tests.tracking.stored_runs import add_run, empty_store
from tracelate.tracking.store import model_registry, model_store, run_store
from tracelate.tracking.store.failures import (
    AlreadyExistsError,
    ArtifactError,
    InvalidValueError,
    NotFoundError,
    ReportingClient,
    StoreError,
)
from tracelate.tracking.store.model_registry import ModelRegistry
from tracelate.tracking.store.run_store import RunStore
from tracelate.tracking.store.store import connect


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path) -> MlflowClient:
    return empty_store(tmp_path, monkeypatch, empty_database)


def test_lists_contain_the_entries_of_all_pages(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (run_store, model_store, model_registry):
        monkeypatch.setattr(module, "PAGE_SIZE", 2)
    store = connect()
    runs = [add_run(client, f"run {number}") for number in range(5)]
    experiments = [one.experiment_id for one in store.runs.experiments()]
    assert len(experiments) == 3  # MLflow's Default, tests and others
    assert [run.run_id for run in store.runs.search(experiments)] == runs[::-1]
    for number in range(5):
        made = store.models.create(experiments[0], f"m{number}", runs[0], {}, {})
        store.registry.create(f"name-{number}", {})
        store.models.finish(made.model_id)
        store.registry.create_version("name-0", made.model_id, runs[0])
    assert len(store.models.search(experiments)) == 5
    assert len(store.registry.search()) == 5
    assert [one.version for one in store.registry.versions("name-0")] == ["5", "4", "3", "2", "1"]
    assert len(store.registry.versions()) == 5


def test_a_list_of_no_experiment_is_empty(client: MlflowClient) -> None:
    add_run(client, "a run")
    assert connect().runs.search([]) == []
    assert connect().models.search([]) == []


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("RESOURCE_DOES_NOT_EXIST", NotFoundError),
        ("INVALID_PARAMETER_VALUE", InvalidValueError),
        ("RESOURCE_ALREADY_EXISTS", AlreadyExistsError),
        ("INTERNAL_ERROR", StoreError),
    ],
)
def test_an_error_of_mlflow_is_raised_as_the_class_of_its_code(
    code: str, kind: type[StoreError]
) -> None:
    def fails(*_: object, **__: object) -> None:
        error = MlflowException("the reason\nand a trace")
        error.error_code = code
        raise error

    runs = RunStore(ReportingClient(cast(Any, SimpleNamespace(get_run=fails))))
    with pytest.raises(StoreError, match="the reason") as raised:
        runs.get("some id")
    assert type(raised.value) is kind
    assert raised.value.reason == "the reason"


def test_missing_entries_are_none_or_an_error_of_their_own(client: MlflowClient) -> None:
    store = connect()
    for missing in ("0" * 32, "not an id!"):
        assert store.runs.find(missing) is None
    with pytest.raises(NotFoundError):
        store.runs.get("0" * 32)
    run_id = add_run(client, "gone")
    client.delete_run(run_id)
    assert store.runs.find(run_id) is None
    assert store.runs.get(run_id).is_deleted
    assert store.models.find("m-" + "0" * 32) is None
    assert store.registry.find("nothing") is None
    store.registry.create("name", {})
    with pytest.raises((NotFoundError, InvalidValueError)):
        store.registry.version_at("name", "champion")
    with pytest.raises(AlreadyExistsError):
        store.registry.create("name", {})
    store.registry.create_if_missing("name")


def test_a_missing_artifact_is_an_error_and_a_missing_folder_has_no_files(
    client: MlflowClient, tmp_path: Path
) -> None:
    run_id = add_run(client, "empty")
    runs = connect().runs
    assert connect().models.list_files((tmp_path / "nowhere").as_uri()) == set()
    with pytest.raises(ArtifactError, match=f"evaluation/metrics.json of run {run_id}"):
        runs.download_file(run_id, "evaluation/metrics.json", tmp_path)
    with pytest.raises(ArtifactError, match="nowhere"):
        connect().models.download((tmp_path / "nowhere").as_uri(), tmp_path)


def test_the_model_of_a_version_is_known_by_our_tag_or_by_its_source() -> None:
    def version(**values: Any) -> SimpleNamespace:
        defaults = {"name": "n", "version": 1, "run_id": "", "model_id": None, "source": None}
        return SimpleNamespace(**{**defaults, "tags": {}, **values})

    found = [
        version(model_id="m-1", tags={"tracelate.model_id": "m-2"}),
        version(tags={"tracelate.model_id": "m-2"}, source="models:/m-3"),
        version(source="models:/m-3"),
        version(source="file:///somewhere"),
    ]
    search = SimpleNamespace(search_model_versions=lambda *_, **__: found)
    versions = ModelRegistry(ReportingClient(cast(Any, search))).versions()
    assert [one.model_id for one in versions] == ["m-1", "m-2", "m-3", None]
    assert {one.version for one in versions} == {"1"}
    assert {one.run_id for one in versions} == {None}
