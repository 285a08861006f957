"""One MLflow run for a training and its evaluation.

Files are the truth and MLflow mirrors them: everything here is written through the client, so
that nothing but `finish` and `fail` changes a run's status.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_SOURCE_NAME, MLFLOW_USER
from mlflow.utils.validation import (
    MAX_DATASET_DIGEST_SIZE,
    MAX_METRICS_PER_BATCH,
    MAX_PARAMS_TAGS_PER_BATCH,
)

from tracelate.files import sha256_of
from tracelate.tracking.store import connect, find_or_create_experiment

RESTORED_FROM = "tracelate.restored_from"
Entry = TypeVar("Entry")


class DataFile(NamedTuple):
    """A dataset that a run read."""

    path: Path
    context: str
    """What for: training, validation or test."""
    row_count: int


class TrackedRun:
    """A run in MLflow's store."""

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self.client = client
        self.run_id = run_id

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Logs nested settings under dotted names; a value once logged is never changed."""
        entries = [Param(name, str(value)) for name, value in flatten(params)]
        for batch in _in_batches(entries, MAX_PARAMS_TAGS_PER_BATCH):
            self.client.log_batch(self.run_id, params=batch)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        self.log_curve([{"step": step, **metrics}])

    def log_curve(self, rows: Iterable[Mapping[str, float]]) -> None:
        """Logs rows of metrics, each at its own `step`."""
        now_ms = int(time.time() * 1000)
        entries = [
            Metric(name, float(value), now_ms, int(row["step"]))
            for row in rows
            for name, value in row.items()
            if name != "step"
        ]
        for batch in _in_batches(entries, MAX_METRICS_PER_BATCH):
            self.client.log_batch(self.run_id, metrics=batch)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        entries = [RunTag(name, value) for name, value in tags.items()]
        for batch in _in_batches(entries, MAX_PARAMS_TAGS_PER_BATCH):
            self.client.log_batch(self.run_id, tags=batch)

    def log_datasets(self, files: Iterable[DataFile]) -> None:
        """Logs what was read, each with the beginning of its sha256 as the digest."""
        self.client.log_inputs(
            self.run_id,
            [
                DatasetInput(
                    Dataset(
                        name=file.path.as_posix(),
                        digest=sha256_of(file.path)[:MAX_DATASET_DIGEST_SIZE],
                        source_type="local",
                        source=f'{{"uri": "{file.path.as_posix()}"}}',
                        profile=f'{{"num_rows": {file.row_count}}}',
                    ),
                    [InputTag("mlflow.data.context", file.context)],
                )
                for file in files
            ],
        )

    def log_files(self, paths: Iterable[Path], folder: str | None = None) -> None:
        for path in paths:
            self.client.log_artifact(self.run_id, str(path), folder)

    def log_table(self, columns: dict[str, list[Any]], name: str) -> None:
        """Logs columns of equal length as a table that MLflow shows."""
        self.client.log_table(self.run_id, columns, name)

    def finish(self) -> None:
        self.client.set_terminated(self.run_id, "FINISHED")

    def fail(self) -> None:
        self.client.set_terminated(self.run_id, "FAILED")


def start_run(
    experiment: str, name: str, tags: Mapping[str, str], resumed_run_id: str | None = None
) -> tuple[TrackedRun, bool]:
    """Starts a run, or takes up the one that is resumed. Says whether the run is new.

    Raises InputError where the store cannot be reached.
    """
    client = connect()
    if resumed_run_id is not None and find_run(client, resumed_run_id) is not None:
        client.update_run(resumed_run_id, status="RUNNING")
        run = TrackedRun(client, resumed_run_id)
        run.set_tags(tags)
        return run, False
    experiment_id = find_or_create_experiment(client, experiment).experiment_id
    created = client.create_run(experiment_id, tags=dict(tags), run_name=name)
    return TrackedRun(client, created.info.run_id), True


def attach_run(
    run_id: str, experiment: str, section: str, params: Mapping[str, Any], tags: Mapping[str, str]
) -> TrackedRun:
    """The training run that a later stage belongs to, with the params of that stage's `section`.

    Where that run is gone, or holds what the stage did with other settings, which cannot be
    changed, a new run with all `params` stands in for it; its tag `tracelate.restored_from` names
    the run it stands for.
    """
    client = connect()
    found = find_run(client, run_id)
    wanted = {name: str(value) for name, value in flatten({section: params[section]})}
    if found is not None and all(
        found.data.params.get(name, value) == value for name, value in wanted.items()
    ):
        run = TrackedRun(client, run_id)
        run.log_params({section: params[section]})
        run.set_tags(tags)
        return run
    name = found.info.run_name if found is not None else f"restored {run_id[:8]}"
    run, _ = start_run(experiment, name, {**source_tags(), **tags, RESTORED_FROM: run_id})
    run.log_params(params)
    if found is not None:
        _copy_training(client, found, run)
    return run


def find_run(client: MlflowClient, run_id: str) -> Run | None:
    """The run, or None where it is missing or deleted."""
    try:
        run = client.get_run(run_id)
    except MlflowException:
        return None
    return run if run.info.lifecycle_stage == "active" else None


def source_tags(root: Path = Path()) -> dict[str, str]:
    """Where a run comes from: git commit and dirty flag, DVC stage and experiment."""
    tags = {MLFLOW_SOURCE_NAME: "dvc.yaml", MLFLOW_USER: os.environ.get("USER", "unknown")}
    commit = _git(root, "rev-parse", "HEAD")
    if commit:
        tags[MLFLOW_GIT_COMMIT] = commit
        tags["git.dirty"] = str(bool(_git(root, "status", "--porcelain", ":!dvc.lock"))).lower()
    for variable in ("DVC_STAGE", "DVC_EXP_NAME", "DVC_EXP_BASELINE_REV"):
        if os.environ.get(variable):
            tags[variable.lower().replace("_", ".", 1)] = os.environ[variable]
    return tags


def hash_tags(files: Iterable[Path]) -> dict[str, str]:
    """The sha256 of each file under a name of its own."""
    return {f"sha256.{path.as_posix()}": sha256_of(path) for path in files}


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Nested values under dotted names."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _copy_training(client: MlflowClient, found: Run, run: TrackedRun) -> None:
    """Copies what training measured and read."""
    run.log_curve(
        {"step": metric.step, name: metric.value}
        for name in found.data.metrics
        if not name.startswith("test_")
        for metric in client.get_metric_history(found.info.run_id, name)
    )
    tags = found.data.tags
    run.set_tags({name: tags[name] for name in tags if name.startswith(("sha256.", "pair"))})


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _in_batches(entries: list[Entry], size: int) -> Iterable[list[Entry]]:
    return (entries[start : start + size] for start in range(0, len(entries), size))
