"""Points that are sent to MLflow beside a training."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from tests.tracking.stored_runs import mlflow_client
from tracelate.tracking.runs.lightning_logger import LiveLogger
from tracelate.tracking.runs.live_points import LivePoints
from tracelate.tracking.runs.run_writer import RunWriter
from tracelate.tracking.runs.runs import start_run
from tracelate.tracking.store.failures import StoreError
from tracelate.tracking.store.run_store import RunStore

PAUSE_S = 0.01


@pytest.fixture
def store(empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return mlflow_client()


@pytest.fixture
def run(store: MlflowClient) -> RunWriter:
    return start_run("tests", "first", {})[0]


def started(run: RunWriter) -> LivePoints:
    return LivePoints(run, pause_s=PAUSE_S, retry_s=PAUSE_S)


def points(
    store: MlflowClient, run: RunWriter, name: str = "train_loss"
) -> list[tuple[int, float]]:
    history = store.get_metric_history(run.run_id, name)
    return sorted((point.step, point.value) for point in history)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_each_point_is_sent_at_the_number_of_steps_that_are_done(
    store: MlflowClient, run: RunWriter
) -> None:
    live = started(run)
    logger = LiveLogger(live, run.run_id)
    for step in range(3):
        logger.log_metrics({"train_loss": 3.0 - step, "epoch": 1.0}, step)
    live.close()
    assert points(store, run) == [(1, 3.0), (2, 2.0), (3, 1.0)]
    assert points(store, run, "epoch") == []


def test_a_resumed_training_sends_no_point_again(store: MlflowClient, run: RunWriter) -> None:
    for speed in (500.0, 510.0):
        live = started(run)
        live.add({"train_loss": 3.0, "tokens_per_s": speed}, 10)
        live.close()
    assert points(store, run) == [(10, 3.0)]
    assert points(store, run, "tokens_per_s") == [(10, 500.0)]


def test_points_are_sent_once_when_a_store_answers_again(
    store: MlflowClient,
    run: RunWriter,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sends, failing = RunStore.log_metrics, threading.Event()
    failing.set()
    tries = 0

    def losing_answers(self: RunStore, run_id: str, metrics: Sequence[Metric]) -> None:
        nonlocal tries
        tries += 1
        sends(self, run_id, metrics)
        if failing.is_set():
            raise MlflowException("the connection was lost")

    monkeypatch.setattr(RunStore, "log_metrics", losing_answers)
    live = started(run)
    live.add({"train_loss": 3.0}, 10)
    wait_until(lambda: tries > 2)
    failing.clear()
    live.add({"train_loss": 2.0}, 20)
    wait_until(lambda: len(points(store, run)) == 2)
    live.close()
    assert points(store, run) == [(10, 3.0), (20, 2.0)]
    failed, answered = capsys.readouterr().err.splitlines()
    assert "failed (the connection was lost); training goes on" in failed
    assert "answers again" in answered


def test_a_store_that_hangs_does_not_hold_the_training(
    run: RunWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = threading.Event()
    monkeypatch.setattr(RunStore, "log_metrics", lambda *_: hanging.wait(30))
    live = started(run)
    began_s = time.monotonic()
    for step in range(100):
        live.add({"train_loss": 3.0}, step)
    assert time.monotonic() - began_s < 5
    time.sleep(10 * PAUSE_S)
    with pytest.raises(StoreError, match=r"no answer in 0\.1 s"):
        live.close(patience_s=0.1)
    hanging.set()
