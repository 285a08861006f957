"""Each ailment is brought about, found, and mended where that is safe."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelStatus
from mlflow.exceptions import MlflowException

from tracelate import layout
from tracelate.cli.main import main
from tracelate.doctor import project_checks as folder_ailments
from tracelate.doctor import store_checks as store_ailments
from tracelate.doctor.doctor import examine, mend
from tracelate.files import read_json, write_json
from tracelate.registry.alias_lock import hold_lock, stale_locks
from tracelate.registry.versions import register_version
from tracelate.tracking.run_owner import HOST, PID, PID_SPACE, STARTED, process_tags, state_of
from tracelate.tracking.run_writer import TrackedRun
from tracelate.tracking.runs import start_run
from tracelate.tracking.store import StoreError, connect, default_store
from tracelate.tracking.sync import sync_project


@pytest.fixture(scope="module")
def synced(finished_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the project whose store has all of it; each test copies it again."""
    folder = tmp_path_factory.mktemp("synced")
    for room in ("models", "reports", "data"):
        shutil.copytree(finished_project / room, folder / room)
    shutil.copyfile(finished_project / "params.yaml", folder / "params.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setenv("DVC_ROOT", str(folder))
        sync_project(folder)
        yield folder


@pytest.fixture
def client(synced: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """A copy of the store: whatever a test adds to it goes with the test."""
    shutil.copyfile(synced / "mlflow.db", tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return connect()


@contextmanager
def without(path: Path) -> Iterator[None]:
    """The file is elsewhere while the block runs."""
    moved = path.rename(path.with_name("elsewhere"))
    try:
        yield
    finally:
        moved.rename(path)


def place_of(uri: str) -> Path:
    return Path(uri.removeprefix("file://"))


def told() -> list[str]:
    return [ailment.what for ailment in examine()]


def gone_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def new_run(**tags: str) -> TrackedRun:
    run, _ = start_run("tracelate", "unfinished", {})
    run.set_tags({f"tracelate.{name}": value for name, value in tags.items()})
    return run


def experiment_of(client: MlflowClient) -> str:
    experiment = client.get_experiment_by_name("tracelate")
    assert experiment is not None
    return str(experiment.experiment_id)


def test_a_whole_project_is_healthy(client: MlflowClient) -> None:
    assert examine() == []


def test_a_process_is_alive_dead_or_on_another_machine() -> None:
    tags = process_tags()
    assert state_of(tags) == "alive"
    assert state_of({**tags, PID: str(gone_process())}) == "dead"
    assert state_of({**tags, STARTED: "1000.0"}) == "dead"  # the pid was given again
    assert state_of({**tags, HOST: "another"}) == "unknown"
    assert state_of({**tags, PID_SPACE: "another container's"}) == "unknown"
    assert state_of({}) == "unknown"
    assert tags[PID] == str(os.getpid())


def test_a_run_that_runs_is_left_alone(client: MlflowClient) -> None:
    new_run()
    assert examine() == []


def test_a_dead_run_is_marked_killed(client: MlflowClient) -> None:
    run = new_run(pid=str(gone_process()))
    [ailment] = examine()
    assert f"run {run.run_id} says RUNNING" in ailment.what and ailment.is_certain
    [said] = mend([ailment])
    assert said.startswith("mended: ")
    assert client.get_run(run.run_id).info.status == "KILLED"
    assert examine() == []


def test_a_run_of_another_machine_is_only_perhaps_dead(client: MlflowClient) -> None:
    run = new_run(host="another")
    [ailment] = examine()
    assert "perhaps died: it has been RUNNING since 20" in ailment.what
    assert not ailment.is_certain and ailment.mend is None and "another" in ailment.where
    assert mend([ailment]) == []
    assert client.get_run(run.run_id).info.status == "RUNNING"


def test_what_mlflow_lacks_is_synced(client: MlflowClient) -> None:
    [run] = client.search_runs([experiment_of(client)])
    client.delete_tag(run.info.run_id, "tracelate.mirrored.evaluation")
    [ailment] = examine()
    assert "MLflow lacks the evaluation" in ailment.what and "sync" in ailment.remedy
    mend([ailment])
    assert examine() == []


def test_a_run_that_is_gone_is_written_again(client: MlflowClient) -> None:
    [run] = client.search_runs([experiment_of(client)])
    client.delete_run(run.info.run_id)
    [ailment] = examine()
    assert "MLflow lacks the training and the evaluation" in ailment.what
    mend([ailment])
    assert examine() == []


def test_a_training_that_is_not_evaluated_yet_is_synced_to_a_run_of_its_own(
    client: MlflowClient, synced: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "trained again"
    for room in ("models", "reports", "data"):
        shutil.copytree(synced / room, folder / room)
    shutil.copyfile(synced / "params.yaml", folder / "params.yaml")
    monkeypatch.setenv("DVC_ROOT", str(folder))
    write_json(folder / layout.RUN, {**read_json(folder / layout.RUN), "run_id": "0" * 32})
    [before] = client.search_runs([experiment_of(client)])
    [ailment] = examine()
    assert ailment.what == "MLflow lacks the training that lies here"
    mend([ailment])
    assert examine() == []
    assert client.get_run(before.info.run_id).to_dictionary() == before.to_dictionary()
    assert len(client.search_runs([experiment_of(client)])) == 2


def test_a_store_that_fails_is_not_taken_for_an_ailment(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise MlflowException("database is locked")

    for asked in ("get_run", "search_model_versions"):
        with monkeypatch.context() as patch:
            patch.setattr(MlflowClient, asked, locked)
            with pytest.raises(StoreError, match="database is locked"):
                examine()


def test_lost_files_of_a_run_and_a_model_are_named(client: MlflowClient) -> None:
    [run] = client.search_runs([experiment_of(client)])
    [model] = client.search_logged_models([experiment_of(client)])
    page = place_of(run.info.artifact_uri) / "evaluation/translations.html"
    with without(page), without(place_of(model.artifact_location) / "artifacts/config.json"):
        found = examine()
    assert not [one for one in found if one.mend is not None]
    assert [one.what for one in found] == [
        f"run {run.info.run_id} has lost evaluation/translations.html",
        f"model {model.model_id} has lost config.json",
    ]


def unfinished_model(client: MlflowClient, **writer: str) -> LoggedModel:
    """Of a run whose writer's tags are changed so."""
    run = new_run(**writer)
    run.finish()
    tags = {"training_run_id": run.run_id, "weights_sha256": "0" * 64}
    return client.create_logged_model(
        experiment_of(client), name="unfinished", source_run_id=run.run_id, tags=tags
    )


def test_an_unfinished_model_is_marked_failed_but_not_while_it_is_young(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = unfinished_model(client, pid=str(gone_process()))
    assert examine() == []
    monkeypatch.setattr(store_ailments, "YOUNG_S", -1)
    [ailment] = examine()
    assert f"model {model.model_id}" in ailment.what and "never finished" in ailment.what
    mend([ailment])
    assert client.get_logged_model(model.model_id).status == LoggedModelStatus.FAILED
    assert examine() == []


def test_a_model_that_may_still_be_uploaded_is_not_mended(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_ailments, "YOUNG_S", -1)
    unfinished_model(client)
    assert examine() == []  # by this process
    model = unfinished_model(client, host="another")
    [ailment] = examine()
    assert f"model {model.model_id} perhaps was never finished" in ailment.what
    assert ailment.mend is None and not ailment.is_certain


def test_an_evaluation_names_the_process_that_uploads_it(
    client: MlflowClient, synced: Path
) -> None:
    [run] = client.search_runs([experiment_of(client)])
    client.delete_tag(run.info.run_id, "tracelate.mirrored.evaluation")
    client.set_tag(run.info.run_id, PID, str(gone_process()))
    sync_project(synced)
    assert client.get_run(run.info.run_id).data.tags[PID] == str(os.getpid())


def test_what_others_keep_in_the_store_is_their_own(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_ailments, "YOUNG_S", -1)
    experiment = client.create_experiment("theirs")
    client.create_run(experiment)
    client.create_logged_model(experiment, name="pending")
    ready = client.create_logged_model(experiment, name="ready")
    client.finalize_logged_model(ready.model_id, LoggedModelStatus.READY)
    client.create_registered_model("bob's")
    with default_store():
        client.create_model_version("bob's", f"models:/{ready.model_id}", model_id=ready.model_id)
    client.create_model_version("bob's", "models:/bob's/1")
    client.create_model_version("bob's", "file:///nowhere")
    assert examine() == []


def test_a_version_whose_model_or_files_are_gone_is_named(client: MlflowClient) -> None:
    [model] = client.search_logged_models([experiment_of(client)])
    register_version(client, "en-es", model.model_id, str(model.source_run_id))
    client.create_registered_model("bob's")
    client.create_model_version("bob's", "models:/en-es/1")
    assert examine() == []
    with without(place_of(model.artifact_location) / "artifacts/config.json"):
        lost = [what for what in told() if what.startswith("version")]
    assert lost == [
        "version 1 of bob's has lost config.json",
        "version 1 of en-es has lost config.json",
    ]
    client.delete_logged_model(model.model_id)
    assert any(f"made from model {model.model_id}, which is gone" in what for what in told())


def test_a_lock_whose_holder_died_is_released(client: MlflowClient) -> None:
    with hold_lock(client, "en-es") as lock:
        assert examine() == []
        client.set_registered_model_tag(lock.entry, "tracelate.lock.pid", str(gone_process()))
        [ailment] = examine()
        assert f"the lock {lock.entry} was left behind" in ailment.what
        mend([ailment])
        assert stale_locks(client) == [] and examine() == []


def test_left_checkpoints_and_half_files_are_named(
    client: MlflowClient, synced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [run] = client.search_runs([experiment_of(client)])
    left = synced / folder_ailments.CHECKPOINTS / "0123456789abcdef"
    left.mkdir(parents=True)
    (left / "run.json").write_text(f'{{"run_id": "{run.info.run_id}"}}')
    half = synced / "models/.weights.safetensors.ab_c12de"
    half.write_text("half")
    try:
        assert told() == [f"the training of run {run.info.run_id} has finished and left its "
                          "checkpoints"]  # fmt: skip
        monkeypatch.setattr(folder_ailments, "YOUNG_S", -1)
        assert "a file was never written to its end" in told()
    finally:
        shutil.rmtree(synced / ".tracelate")
        half.unlink()


def test_a_store_that_cannot_be_reached_is_an_ailment(
    synced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    [ailment] = examine()
    assert ailment.what == "MLflow's store cannot be reached"
    assert ailment.where == "http://127.0.0.1:9"
    assert "set or unset MLFLOW_TRACKING_URI" in ailment.remedy


def test_where_nothing_was_ever_trained_nothing_is_wrong_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert examine() == []
    assert list(tmp_path.iterdir()) == []


def test_a_training_whose_files_are_not_whole_is_named(client: MlflowClient, synced: Path) -> None:
    with without(synced / layout.TRAINING_REPORT):
        [ailment] = examine()
    assert "not whole" in ailment.what and "train.json" in ailment.what
    assert "dvc" in ailment.remedy and ailment.mend is None


def test_a_server_is_examined_too(
    synced: Path, empty_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", empty_server)
    run = new_run(pid=str(gone_process()))
    try:
        found = examine()
        assert any("MLflow lacks" in one.what for one in found)
        mend([one for one in found if run.run_id in one.what])
        assert run.client.get_run(run.run_id).info.status == "KILLED"
    finally:
        run.client.delete_run(run.run_id)


def test_the_command_mends_and_ends_with_status_1_only_where_something_stays(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = new_run(pid=str(gone_process()))
    for arguments, status, expected in (
        ([], 1, f"✗ run {run.run_id} says RUNNING"),
        (["--fix"], 0, f"mended: run {run.run_id} says RUNNING"),
        ([], 0, "healthy"),
    ):
        monkeypatch.setattr(sys, "argv", ["tracelate", "doctor", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert (ended.value.code or 0) == status
        assert expected in capsys.readouterr().out
