"""Each problem is caused, found, and fixed if that is safe."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelStatus
from mlflow.exceptions import MlflowException

from tests.registry.test_alias_history import event
from tests.tiny_corpus import SETTINGS, write_params
from tests.tracking.stored_runs import mlflow_client
from tracelate import layout
from tracelate.cli.main import main
from tracelate.doctor import project_checks, store_checks
from tracelate.doctor.doctor import find_problems, fix
from tracelate.files import read_json, write_json
from tracelate.registry.alias_history import append_event
from tracelate.registry.alias_lock import hold_lock, stale_locks
from tracelate.registry.rollback import roll_back
from tracelate.registry.versions import Alias, register_version
from tracelate.tracking.runs.run_owner import HOST, PID, PID_SPACE, STARTED, process_tags, state_of
from tracelate.tracking.runs.run_writer import RunWriter
from tracelate.tracking.runs.runs import start_run
from tracelate.tracking.runs.sync import sync_project
from tracelate.tracking.store.failures import ReportingClient, StoreError
from tracelate.tracking.store.mlflow_settings import default_store
from tracelate.tracking.store.store import connect


@pytest.fixture(scope="module")
def synced(finished_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the project with a store that has all its results; tests use copies of it."""
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
    """A client of a copy of the store, which one test may change."""
    shutil.copyfile(synced / "mlflow.db", tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return mlflow_client()


@contextmanager
def without(path: Path) -> Iterator[None]:
    """Moves the file away while the block runs."""
    moved = path.rename(path.with_name("elsewhere"))
    try:
        yield
    finally:
        moved.rename(path)


def place_of(uri: str) -> Path:
    return Path(uri.removeprefix("file://"))


def problems_found() -> list[str]:
    return [problem.what for problem in find_problems()]


def gone_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def new_run(**tags: str) -> RunWriter:
    run, _ = start_run("tracelate", "unfinished", {})
    run.set_tags({f"tracelate.{name}": value for name, value in tags.items()})
    return run


def experiment_of(client: MlflowClient) -> str:
    experiment = client.get_experiment_by_name("tracelate")
    assert experiment is not None
    return str(experiment.experiment_id)


def test_a_complete_project_has_no_problems(client: MlflowClient) -> None:
    assert find_problems() == []


def test_a_process_is_alive_dead_or_on_another_machine() -> None:
    tags = process_tags()
    assert state_of(tags) == "alive"
    assert state_of({**tags, PID: str(gone_process())}) == "dead"
    assert state_of({**tags, STARTED: "1000.0"}) == "dead"  # the system has reused the id
    assert state_of({**tags, HOST: "another"}) == "unknown"
    assert state_of({**tags, PID_SPACE: "another container's"}) == "unknown"
    assert state_of({}) == "unknown"
    assert tags[PID] == str(os.getpid())


def test_a_process_stays_alive_when_the_clock_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    tags = process_tags()
    older = {**tags, STARTED: f"{psutil.Process().create_time():.2f}"}  # of Tracelate 0.1
    assert state_of(older) == "alive"
    monkeypatch.setattr(psutil.Process, "create_time", lambda _: 1_000.0)
    assert state_of(tags) == "alive" and state_of(older) == "dead"


@pytest.mark.parametrize("meanwhile", ["finished", "resumed", "deleted"])
def test_a_run_that_changed_after_doctor_saw_it_is_left_alone(
    client: MlflowClient, meanwhile: str
) -> None:
    run = new_run(pid=str(gone_process()))
    [problem] = find_problems()
    if meanwhile == "finished":
        run.finish()
    elif meanwhile == "resumed":
        run.set_tags(process_tags())
    else:
        client.delete_run(run.run_id)
    before = client.get_run(run.run_id).info.status
    [line] = fix([problem])
    assert line.startswith("no longer so: ")
    assert client.get_run(run.run_id).info.status == before


def test_a_whole_run_that_is_synced_first_is_not_killed(client: MlflowClient) -> None:
    [run] = client.search_runs([experiment_of(client)])
    client.set_terminated(run.info.run_id, "RUNNING")
    client.set_tag(run.info.run_id, PID, str(gone_process()))
    client.delete_tag(run.info.run_id, "tracelate.mirrored.evaluation")
    problems = find_problems()
    assert len(problems) == 2
    fix(problems)
    assert client.get_run(run.info.run_id).info.status == "FINISHED"
    assert find_problems() == []


def test_a_model_that_was_completed_after_doctor_saw_it_is_left_alone(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_checks, "MIN_AGE_S", -1)
    model = unfinished_model(client, pid=str(gone_process()))
    [problem] = find_problems()
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    [line] = fix([problem])
    assert line.startswith("no longer so: ")
    assert client.get_logged_model(model.model_id).status == LoggedModelStatus.READY


def test_a_run_of_a_living_process_is_left_alone(client: MlflowClient) -> None:
    new_run()
    assert find_problems() == []


def test_the_run_of_a_dead_process_is_set_to_killed(client: MlflowClient) -> None:
    run = new_run(pid=str(gone_process()))
    [problem] = find_problems()
    assert f"run {run.run_id} has status RUNNING" in problem.what and problem.is_certain
    [line] = fix([problem])
    assert line.startswith("fixed: ")
    assert client.get_run(run.run_id).info.status == "KILLED"
    assert find_problems() == []


def test_a_run_of_another_machine_is_an_uncertain_problem(client: MlflowClient) -> None:
    run = new_run(host="another")
    [problem] = find_problems()
    assert "may be gone: the run's status has been RUNNING since 20" in problem.what
    assert not problem.is_certain and problem.fix is None and "another" in problem.where
    assert fix([problem]) == []
    assert client.get_run(run.run_id).info.status == "RUNNING"


def test_results_that_mlflow_lacks_are_synced(client: MlflowClient) -> None:
    [run] = client.search_runs([experiment_of(client)])
    client.delete_tag(run.info.run_id, "tracelate.mirrored.evaluation")
    [problem] = find_problems()
    assert "MLflow lacks the evaluation" in problem.what and "sync" in problem.remedy
    fix([problem])
    assert find_problems() == []


def test_a_deleted_run_is_written_again(client: MlflowClient) -> None:
    [run] = client.search_runs([experiment_of(client)])
    client.delete_run(run.info.run_id)
    [problem] = find_problems()
    assert "MLflow lacks the training and the evaluation" in problem.what
    fix([problem])
    assert find_problems() == []


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
    [problem] = find_problems()
    assert problem.what == "MLflow lacks the training of this folder"
    fix([problem])
    assert find_problems() == []
    assert client.get_run(before.info.run_id).to_dictionary() == before.to_dictionary()
    assert len(client.search_runs([experiment_of(client)])) == 2


def test_a_failure_of_the_store_is_an_error_and_not_a_problem(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise MlflowException("database is locked")

    for asked in ("get_run", "search_model_versions"):
        with monkeypatch.context() as patch:
            patch.setattr(MlflowClient, asked, locked)
            with pytest.raises(StoreError, match="database is locked"):
                find_problems()


def test_lost_files_of_a_run_and_a_model_are_named(client: MlflowClient) -> None:
    [run] = client.search_runs([experiment_of(client)])
    [model] = client.search_logged_models([experiment_of(client)])
    page = place_of(run.info.artifact_uri) / "evaluation/translations.html"
    with without(page), without(place_of(model.artifact_location) / "artifacts/config.json"):
        found = find_problems()
    assert not [one for one in found if one.fix is not None]
    assert [one.what for one in found] == [
        f"run {run.info.run_id} has lost evaluation/translations.html",
        f"model {model.model_id} has lost config.json",
    ]


def unfinished_model(client: MlflowClient, **writer: str) -> LoggedModel:
    """A model of a run with these tags of its process."""
    run = new_run(**writer)
    run.finish()
    tags = {"training_run_id": run.run_id, "weights_sha256": "0" * 64}
    return client.create_logged_model(
        experiment_of(client), name="unfinished", source_run_id=run.run_id, tags=tags
    )


def test_an_unfinished_model_is_set_to_failed_but_not_in_its_first_minutes(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = unfinished_model(client, pid=str(gone_process()))
    assert find_problems() == []
    monkeypatch.setattr(store_checks, "MIN_AGE_S", -1)
    [problem] = find_problems()
    assert f"model {model.model_id}" in problem.what and "never completed" in problem.what
    fix([problem])
    assert client.get_logged_model(model.model_id).status == LoggedModelStatus.FAILED
    assert find_problems() == []


def test_a_model_that_may_still_be_uploaded_is_not_fixed(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_checks, "MIN_AGE_S", -1)
    unfinished_model(client)
    assert find_problems() == []  # by this process
    model = unfinished_model(client, host="another")
    [problem] = find_problems()
    assert f"model {model.model_id} may be incomplete" in problem.what
    assert problem.fix is None and not problem.is_certain


def test_an_evaluation_names_the_process_that_uploads_it(
    client: MlflowClient, synced: Path
) -> None:
    [run] = client.search_runs([experiment_of(client)])
    client.delete_tag(run.info.run_id, "tracelate.mirrored.evaluation")
    client.set_tag(run.info.run_id, PID, str(gone_process()))
    sync_project(synced)
    assert client.get_run(run.info.run_id).data.tags[PID] == str(os.getpid())


def test_entries_that_others_made_are_not_checked(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_checks, "MIN_AGE_S", -1)
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
    assert find_problems() == []


def test_a_version_whose_model_or_files_are_gone_is_named(client: MlflowClient) -> None:
    [model] = client.search_logged_models([experiment_of(client)])
    register_version(connect(), "en-es", model.model_id, str(model.source_run_id))
    client.create_registered_model("bob's")
    client.create_model_version("bob's", "models:/en-es/1")
    assert find_problems() == []
    with without(place_of(model.artifact_location) / "artifacts/config.json"):
        lost = [what for what in problems_found() if what.startswith("version")]
    assert lost == [
        "version 1 of bob's has lost config.json",
        "version 1 of en-es has lost config.json",
    ]
    client.delete_logged_model(model.model_id)
    assert any(
        f"made from model {model.model_id}, which is gone" in what for what in problems_found()
    )


def test_an_alias_that_was_moved_set_or_deleted_in_mlflow_is_named(client: MlflowClient) -> None:
    [model] = client.search_logged_models([experiment_of(client)])
    store = connect()
    register_version(store, "en-es", model.model_id, str(model.source_run_id))
    other = client.create_model_version("en-es", "models:/en-es/1").version
    champion = Alias("en-es", "champion")
    client.set_registered_model_alias("en-es", "champion", "1")
    append_event(store, champion, event("promoted", "1", None))
    assert find_problems() == []

    client.set_registered_model_alias("en-es", "champion", other)
    [problem] = find_problems()
    assert problem.what == (
        f"the alias en-es@champion was moved from version 1 to version {other} (after 2026-01-02 "
        "03:04 UTC), and no promotion or rollback has recorded it"
    )
    assert problem.is_certain and problem.fix is None
    assert f"promote models:/en-es/{other}" in problem.remedy and "rollback" in problem.remedy

    with hold_lock(store, "en-es"):  # a promotion that is going on
        assert find_problems() == []

    client.delete_registered_model_alias("en-es", "champion")
    [problem] = find_problems()
    assert "en-es@champion was deleted; it was at version 1" in problem.what
    assert problem.is_certain and "promote" not in problem.remedy
    roll_back(champion, "restored")
    assert find_problems() == []

    client.set_registered_model_alias("en-es", "previous", "1")
    [problem] = find_problems()
    assert "en-es@previous was set to version 1, and no promotion" in problem.what
    assert not problem.is_certain  # Tracelate has never moved it

    client.delete_registered_model_alias("en-es", "previous")
    client.set_registered_model_tag("en-es", "tracelate.history.previous.0001", "{}")
    [problem] = find_problems()
    assert "previous.0001 of the registered model en-es is damaged" in problem.what
    assert problem.remedy == "restore or delete it in MLflow"


def test_more_versions_need_no_more_calls_of_mlflow(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    [model] = client.search_logged_models([experiment_of(client)])
    calls: list[str] = []
    original = ReportingClient.__getattr__

    def counted(self: ReportingClient, name: str) -> object:
        calls.append(name)
        return original(self, name)

    monkeypatch.setattr(ReportingClient, "__getattr__", counted)
    numbers = []
    for _ in range(3):
        for name in ("en-es", "en-fr"):
            register_version(connect(), name, model.model_id, str(model.source_run_id))
        calls.clear()
        assert find_problems() == []
        numbers.append(len(calls))
    assert len(set(numbers)) == 1, numbers


def test_a_lock_whose_holder_died_is_released(client: MlflowClient) -> None:
    with hold_lock(connect(), "en-es") as lock:
        assert find_problems() == []
        client.set_registered_model_tag(lock.entry, "tracelate.lock.pid", str(gone_process()))
        [problem] = find_problems()
        assert f"the lock {lock.entry} was not released" in problem.what
        fix([problem])
        assert stale_locks(connect()) == [] and find_problems() == []


def test_unused_checkpoints_and_partial_files_are_named(
    client: MlflowClient, synced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [run] = client.search_runs([experiment_of(client)])
    folder = synced / layout.CHECKPOINTS / "0123456789abcdef"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(f'{{"run_id": "{run.info.run_id}"}}')
    partials = [
        synced / "models/.weights.safetensors.ab_c12de",
        synced / "models/.weights.safetensors.0123456789abcdef.unfinished",
    ]
    for partial in partials:
        partial.write_text("partial")
    try:
        assert problems_found() == [
            f"the training of run {run.info.run_id} has finished, but its checkpoints were not "
            "deleted"
        ]
        monkeypatch.setattr(project_checks, "MIN_AGE_S", -1)
        assert problems_found().count("a file is incomplete") == len(partials)
    finally:
        shutil.rmtree(synced / ".tracelate")
        for partial in partials:
            partial.unlink()


def test_a_store_that_cannot_be_reached_is_a_problem(
    synced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    [problem] = find_problems()
    assert problem.what == "MLflow's store cannot be reached"
    assert problem.where == "http://127.0.0.1:9"
    assert "set or unset MLFLOW_TRACKING_URI" in problem.remedy


def test_without_a_training_there_is_no_problem_and_no_file_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    write_params(tmp_path, SETTINGS)
    assert find_problems() == []
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


def test_a_folder_without_a_project_is_no_healthy_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    [problem] = find_problems()
    assert problem.what == "this folder is no project: it has no params.yaml"
    assert list(tmp_path.iterdir()) == []


def test_a_training_with_missing_files_is_named(client: MlflowClient, synced: Path) -> None:
    with without(synced / layout.TRAINING_REPORT):
        [problem] = find_problems()
    assert "incomplete" in problem.what and "train.json" in problem.what
    assert "dvc" in problem.remedy and problem.fix is None


def test_a_server_is_checked_too(
    synced: Path, empty_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", empty_server)
    run = new_run(pid=str(gone_process()))
    try:
        found = find_problems()
        assert any("MLflow lacks" in one.what for one in found)
        fix([one for one in found if run.run_id in one.what])
        assert mlflow_client().get_run(run.run_id).info.status == "KILLED"
    finally:
        mlflow_client().delete_run(run.run_id)


def test_the_command_fixes_and_exits_with_status_1_only_if_a_problem_remains(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = new_run(pid=str(gone_process()))
    for arguments, status, expected in (
        ([], 1, f"✗ run {run.run_id} has status RUNNING"),
        (["--fix"], 0, f"fixed: run {run.run_id} has status RUNNING"),
        ([], 0, "no problems found"),
    ):
        monkeypatch.setattr(sys, "argv", ["tracelate", "doctor", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert (ended.value.code or 0) == status
        assert expected in capsys.readouterr().out
