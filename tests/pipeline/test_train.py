"""The stage train where a stopped training has left damaged files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from pipeline.train import track
from tracelate.config import Params, load_params
from tracelate.files import read_json


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
    torch.save({"global_step": 7, "state_dict": {}}, folder / "last.ckpt")
    (folder / "run.json").write_text(f'{{"run_id": "{run_id}"}}')
    return folder


def test_a_stopped_training_resumes_in_its_run(params: Params, tmp_path: Path) -> None:
    first = track(params, tmp_path / "checkpoints")
    folder = stopped_training(tmp_path / "stopped", first.run_id)
    assert track(params, folder).run_id == first.run_id


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"run_id": 3}', "{", None])
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
    assert (folder / "last.ckpt").is_file()


def test_a_damaged_checkpoint_is_reported_with_its_folder_and_training_starts_again(
    params: Params, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = stopped_training(tmp_path / "stopped", "0" * 32)
    (folder / "last.ckpt").write_bytes(b"damaged")
    track(params, folder)
    assert f"a checkpoint in {folder} was damaged" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["run.json"]
    assert (tmp_path / "stopped.damaged" / "last.ckpt").read_bytes() == b"damaged"
