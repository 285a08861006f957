"""Runs in a real MLflow store, in a temporary folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from tests.tracking.stored_runs import mlflow_client
from tracelate.errors import InputError
from tracelate.files import read_json, sha256_of
from tracelate.tracking.runs.run_contents import DataFile
from tracelate.tracking.runs.run_writer import RunWriter, flatten
from tracelate.tracking.runs.runs import RESTORED_FROM, attach_run, start_run
from tracelate.tracking.store.address import tracking_uri
from tracelate.tracking.store.failures import StoreError
from tracelate.tracking.store.store import connect

PARAMS = {"model": {"attention": "general"}, "evaluate": {"beam_size": 5}}


@pytest.fixture(autouse=True)
def store(empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return mlflow_client()


def new_run() -> RunWriter:
    run, is_new = start_run("tests", "first", {"pair": "en-es"})
    assert is_new
    return run


def test_the_store_is_at_the_root_of_the_real_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    assert tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.delenv("DVC_ROOT")
    monkeypatch.chdir(tmp_path)
    assert tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert tracking_uri() == "http://127.0.0.1:5000"


def test_an_unreachable_store_is_reported_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:9 cannot be reached.*MLFLOW_TRACK"):
        connect()


def test_of_two_first_runs_at_once_both_have_the_experiment(
    store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, other = MlflowClient.get_experiment_by_name, []

    def not_yet(client: MlflowClient, name: str) -> object:
        found = find(client, name)
        if found is None:  # and another process makes it now
            other.append(store.create_experiment(name))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "get_experiment_by_name", not_yet)
        run = new_run()
    assert [store.get_run(run.run_id).info.experiment_id] == other


def test_artifacts_are_stored_at_the_root_too(tmp_path: Path, store: MlflowClient) -> None:
    run = new_run()
    file = tmp_path / "some.txt"
    file.write_text("text")
    run.log_files([file], "folder")
    assert list((tmp_path / "mlartifacts").rglob("folder/some.txt"))


def test_a_resumed_run_has_status_running_again(store: MlflowClient) -> None:
    run = new_run()
    run.fail()
    resumed, is_new = start_run("tests", "again", {}, run.run_id)
    assert not is_new and resumed.run_id == run.run_id
    assert store.get_run(run.run_id).info.status == "RUNNING"


def test_a_deleted_run_is_resumed_as_a_new_run(store: MlflowClient) -> None:
    run = new_run()
    store.delete_run(run.run_id)
    resumed, is_new = start_run("tests", "again", {}, run.run_id)
    assert is_new and resumed.run_id != run.run_id


def test_a_failing_store_is_not_taken_for_a_missing_run(
    store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run()
    for missing in ("0" * 32, "no id!"):
        assert connect().runs.find(missing) is None

    def locked(*_: object) -> None:
        raise MlflowException("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "get_run", locked)
        with pytest.raises(StoreError, match="database is locked"):
            start_run("tests", "again", {}, run.run_id)
        with pytest.raises(StoreError, match="database is locked"):
            attach(run.run_id, 5)
    experiment = store.get_experiment_by_name("tests")
    assert experiment is not None
    assert len(store.search_runs([experiment.experiment_id])) == 1
    assert start_run("tests", "again", {}, run.run_id)[1] is False


def attach(run_id: str, beam_size: int) -> tuple[str, bool]:
    run, is_new = attach_run(run_id, "tests", "en-es", {"evaluate": {"beam_size": beam_size}})
    run.log_params({"evaluate": {"beam_size": beam_size}})
    return run.run_id, is_new


def test_an_evaluation_is_logged_to_the_run_of_its_training(store: MlflowClient) -> None:
    run = new_run()
    run.log_params({"model": {"attention": "general"}})
    assert attach(run.run_id, 5) == (run.run_id, False)
    params = store.get_run(run.run_id).data.params
    assert params == {"model.attention": "general", "evaluate.beam_size": "5"}


@pytest.mark.parametrize("gone", [True, False])
def test_an_evaluation_that_cannot_use_that_run_gets_one_replacement_run(
    store: MlflowClient, gone: bool
) -> None:
    run = new_run()
    run.log_params(PARAMS)
    if gone:
        store.delete_run(run.run_id)
    replacement, is_new = attach(run.run_id, 1)
    assert is_new and replacement != run.run_id
    assert store.get_run(replacement).data.tags[RESTORED_FROM] == run.run_id
    assert attach(run.run_id, 1) == (replacement, False)
    other, is_new = attach(run.run_id, 2)
    assert is_new and other not in (run.run_id, replacement)


def test_a_logged_param_is_never_changed(store: MlflowClient) -> None:
    run = new_run()
    run.log_params(PARAMS)
    run.log_params({**PARAMS, "evaluate": {"beam_size": 1, "heat_maps": 2}})
    params = store.get_run(run.run_id).data.params
    assert (params["evaluate.beam_size"], params["evaluate.heat_maps"]) == ("5", "2")


def test_values_that_are_logged_again_are_not_duplicated(store: MlflowClient) -> None:
    run = new_run()
    for _ in range(2):
        run.log_curve([{"step": 10, "train_loss": 3.0}, {"step": 20, "train_loss": 2.0}])
        run.log_metrics({"test_bleu": 1.5})
        run.log_table({"source": ["a", "b"]}, "table.json")
    history = store.get_metric_history(run.run_id, "train_loss")
    assert [(one.step, one.value) for one in history] == [(10, 3.0), (20, 2.0)]
    assert len(store.get_metric_history(run.run_id, "test_bleu")) == 1
    table = read_json(Path(store.download_artifacts(run.run_id, "table.json")))
    assert table == {"columns": ["source"], "data": [["a"], ["b"]]}


def test_a_speed_that_is_measured_again_is_not_logged_again(store: MlflowClient) -> None:
    run = new_run()
    for speed in (100.0, 101.5):
        run.log_curve([{"step": 10, "tokens_per_s": speed}])
        run.log_metrics({"test_sentences_per_s": speed, "test_bleu": speed})
    for name, count in (("tokens_per_s", 1), ("test_sentences_per_s", 1), ("test_bleu", 2)):
        assert len(store.get_metric_history(run.run_id, name)) == count


def test_datasets_have_the_beginning_of_their_hash(store: MlflowClient, tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_bytes(b"abc")
    run = new_run()
    run.log_datasets([DataFile(file, sha256_of(file), "training", 7)])
    inputs = store.get_run(run.run_id).inputs
    assert inputs is not None
    [logged] = inputs.dataset_inputs
    assert logged.dataset.digest == "ba7816bf8f01cfea414140de5dae2223b003"  # of FIPS 180-2, B.1
    assert logged.tags[0].value == "training"


def test_nested_settings_get_dotted_names() -> None:
    assert dict(flatten({"a": {"b": 1, "c": {"d": None}}, "e": [1]})) == {
        "a.b": 1,
        "a.c.d": None,
        "e": [1],
    }
