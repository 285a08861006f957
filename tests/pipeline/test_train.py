"""The stage train where a stopped training has left damaged files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from pipeline.train import track
from tracelate.config import Params, load_params
from tracelate.files import read_json
from tracelate.tracking.runs.log_training import reattach_training
from tracelate.tracking.runs.runs import RESTORED_FROM
from tracelate.tracking.store.failures import StoreError
from tracelate.tracking.store.run_store import RunStore
from tracelate.tracking.store.store import connect
from tracelate.training.checkpoints import BEST, LAST


@pytest.fixture
def params(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    finished_project: Path,
    empty_database: Path,
) -> Params:
    """The settings of a project with data and an empty store, in whose folder the test runs."""
    shutil.copytree(finished_project / "data", tmp_path / "data")
    shutil.copyfile(finished_project / "params.yaml", tmp_path / "params.yaml")
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return load_params()


def stopped_training(folder: Path, run_id: str) -> Path:
    folder.mkdir(parents=True)
    for name in (LAST, BEST):
        torch.save({"global_step": 7, "state_dict": {}}, folder / name)
    (folder / "run.json").write_text(f'{{"run_id": "{run_id}"}}')
    return folder


def test_a_stopped_training_resumes_in_its_run(params: Params, tmp_path: Path) -> None:
    first = track(params, tmp_path / "checkpoints")
    folder = stopped_training(tmp_path / "stopped", first.run_id)
    assert track(params, folder).run_id == first.run_id


def test_a_training_that_was_killed_in_its_first_epoch_goes_on_in_its_run(
    params: Params, tmp_path: Path
) -> None:
    first = track(params, tmp_path / "checkpoints")
    assert track(params, tmp_path / "checkpoints").run_id == first.run_id


def test_a_training_that_was_killed_before_it_noted_its_run_goes_on_in_it(
    params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = []

    def killed(store: RunStore, *arguments: Any) -> str:
        created.append(create(store, *arguments))
        raise SystemExit

    create = RunStore.create
    with monkeypatch.context() as patch:
        patch.setattr(RunStore, "create", killed)
        with pytest.raises(SystemExit):
            track(params, tmp_path / "checkpoints")
    assert [track(params, tmp_path / "checkpoints").run_id] == created
    assert [run.run_id for run in connect().runs.search(["1"])] == created


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"run_id": 3}', '{"run_id": "a b"}', "{", None])
def test_a_damaged_note_of_the_run_is_reported_and_a_new_run_begins(
    params: Params, tmp_path: Path, capsys: pytest.CaptureFixture[str], note: str | None
) -> None:
    folder = stopped_training(tmp_path / "stopped", "0" * 32)
    if note is None:
        (folder / "run.json").unlink()
    else:
        (folder / "run.json").write_text(note)
    run = track(params, folder)
    assert f"warning: {folder}/run.json is missing or damaged" in capsys.readouterr().err
    assert read_json(folder / "run.json") == {"run_id": run.run_id}
    assert (folder / LAST).is_file()


def test_a_damaged_checkpoint_is_reported_and_training_starts_again_in_its_run(
    params: Params, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = track(params, tmp_path / "checkpoints")
    folder = stopped_training(tmp_path / "stopped", first.run_id)
    (folder / LAST).write_bytes(b"damaged")
    assert track(params, folder).run_id == first.run_id
    assert f"warning: a checkpoint in {folder} was damaged" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["run.json"]
    assert (tmp_path / "stopped.damaged" / LAST).read_bytes() == b"damaged"


def test_a_training_starts_without_a_server_that_does_not_answer(
    params: Params,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    folder = tmp_path / "checkpoints"
    tracked = track(params, folder)
    assert tracked.run is None and read_json(folder / "run.json") == {"run_id": tracked.run_id}
    assert "cannot be reached" in capsys.readouterr().err
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    run = reattach_training(params, tracked.run_id)
    assert run.tag(RESTORED_FROM) == tracked.run_id


def test_a_run_whose_settings_cannot_be_written_fails(
    params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise MlflowException("refused")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_inputs", refused)
        with pytest.raises(StoreError, match="refused"):
            track(params, tmp_path / "checkpoints")
    store = connect()
    experiment = store.runs.find_experiment(params.runtime.experiment)
    assert experiment is not None
    assert [run.status for run in store.runs.search([experiment])] == ["FAILED"]
