"""A real sweep on the tiny corpus: killed, resumed, with its runs in MLflow."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.conftest import Project
from tests.preloaded import python
from tests.sweep.stand_in import write_sweep
from tests.tiny_corpus import PROJECT
from tracelate import layout
from tracelate.sweep.folder import sweep_folder
from tracelate.tracking.runs.trials import read_validations


def start(project: Project, *options: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "src")]),
        "TRACELATE_CACHE": str(project.folder / "cache"),
    }
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
        environment.pop(name, None)
    return subprocess.Popen(
        [python(), "-m", "tracelate.cli.main", "sweep", "rates.yaml", *options],
        cwd=project.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


@pytest.fixture
def tiny(project: Project, finished_project: Path, empty_database: Path) -> Project:
    """A project with tokens, an empty store, and a sweep whose second trial learns nothing."""
    shutil.copytree(finished_project / "data", project.folder / "data")
    shutil.copyfile(empty_database, project.folder / "mlflow.db")
    write_sweep(
        project.folder / "rates.yaml",
        metric="loss",
        trials=None,
        sampler="grid",
        warmup_trials=1,
        warmup_validations=0,
        settings={"train.epochs": 6},
        space={"train.learning_rate": [0.01, 1.0e-9]},
    )
    return project


def test_a_killed_sweep_is_resumed_in_the_same_runs(tiny: Project) -> None:
    folder = tiny.folder / sweep_folder("rates").path
    killed = start(tiny)
    while not read_validations(folder / "trials/0000"):
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    done = start(tiny)
    stdout, stderr = done.communicate(timeout=300)
    assert done.returncode == 0, stderr
    assert "best: trial 0;" in stdout
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert [one["state"] for one in report["trials"]] == ["complete", "pruned"]
    assert report["arguments"] == [
        *("-S", "train.epochs=6", "-S", "train.monitor=loss"),
        *("-S", "train.learning_rate=0.01"),
    ]
    # the best model is kept, no checkpoint is, and no test text was in reach
    assert (folder / "trials/0000/models/weights.safetensors").is_file()
    assert not list((tiny.folder / layout.CHECKPOINTS).glob("*/*"))
    assert not (tiny.folder / layout.MODELS).exists()
    assert not list(folder.rglob("test.parquet"))

    client = MlflowClient(f"sqlite:///{tiny.folder}/mlflow.db")
    [experiment] = [one for one in client.search_experiments() if one.name == "tracelate"]
    parent, *others = client.search_runs([experiment.experiment_id], order_by=["start_time"])
    assert parent.info.run_name == "sweep rates" and parent.info.status == "FINISHED"
    assert parent.data.tags["best.train.learning_rate"] == "0.01"
    assert parent.data.metrics["best_valid_loss"] == pytest.approx(report["trials"][0]["value"])
    assert parent.data.params["space.train.learning_rate"] == "0.01, 1e-09"
    files = {one.path for one in client.list_artifacts(parent.info.run_id, "sweep")}
    assert files == {"sweep/rates.yaml", "sweep/report.json", "sweep/sweep.png"}
    states = [
        (
            run.data.tags["mlflow.parentRunId"] == parent.info.run_id,
            run.data.tags["tracelate.trial"],
            run.data.tags["tracelate.trial_state"],
            run.info.status,
        )
        for run in others
    ]
    assert states == [(True, "0", "complete", "FINISHED"), (True, "1", "pruned", "KILLED")]
    assert [run.info.run_id for run in others] == [one["run_id"] for one in report["trials"]]
    assert others[0].data.params["train.learning_rate"] == "0.01"
    points = client.get_metric_history(others[0].info.run_id, "valid_loss")
    assert len(points) == len({point.step for point in points}) == 6
