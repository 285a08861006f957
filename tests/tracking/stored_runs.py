"""An MLflow store for tests, and runs without a training."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tracelate.tracking.store.address import tracking_uri
from tracelate.tracking.store.store import connect

HERE, ELSEWHERE = "5e" * 32, "a0" * 32
SIGNATURE = "nrefs:1|bs:10|seed:1|version:2.6.0"


def mlflow_client() -> MlflowClient:
    """MLflow's own client of the project's store, for what a test sets up and looks at."""
    connect()
    return MlflowClient(tracking_uri())


def empty_store(folder: Path, patch: pytest.MonkeyPatch, empty_database: Path) -> MlflowClient:
    """Makes a store in the folder, with the experiments `tests` and `others`."""
    shutil.copy(empty_database, folder)
    patch.delenv("MLFLOW_TRACKING_URI", raising=False)
    patch.setenv("DVC_ROOT", str(folder))
    client = mlflow_client()
    client.create_experiment("tests", artifact_location=folder.as_uri())
    client.create_experiment("others", artifact_location=folder.as_uri())
    return client


_clock_ms = iter(range(1_700_000_000_000, 1_700_000_900_000, 1000))


def add_run(
    store: MlflowClient,
    name: str,
    *,
    bleu: float | None = None,
    ter: float | None = None,
    test: str = HERE,
    signature: str = SIGNATURE,
    params: Mapping[str, object] | None = None,
    tags: Mapping[str, str] | None = None,
    experiment: str = "tests",
) -> str:
    found = store.get_experiment_by_name(experiment)
    assert found is not None
    run = store.create_run(found.experiment_id, start_time=next(_clock_ms), run_name=name)
    run_id: str = run.info.run_id
    for key, value in (params or {}).items():
        store.log_param(run_id, key, value)
    for key, text in (tags or {}).items():
        store.set_tag(run_id, key, text)
    if bleu is not None:
        store.set_tag(run_id, "sha256.data/prepared/test.parquet", test)
        for metric in ("bleu", "chrf", "ter"):
            store.set_tag(run_id, f"signature.{metric}", signature)
        store.log_metric(run_id, "test_bleu", bleu)
        store.log_metric(run_id, "test_ter", 100 - bleu if ter is None else ter)
    return run_id
