"""One MLflow run for a training and its evaluation.

Files are the truth and MLflow mirrors them. Everything is written through the client, so that
nothing but `finish` and `fail` changes a run's status, and writing it again changes nothing.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModel,
    Metric,
    Param,
    Run,
    RunTag,
)
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import (
    MLFLOW_GIT_COMMIT,
    MLFLOW_LOGGED_ARTIFACTS,
    MLFLOW_SOURCE_NAME,
    MLFLOW_USER,
)
from mlflow.utils.validation import (
    MAX_DATASET_DIGEST_SIZE,
    MAX_METRICS_PER_BATCH,
    MAX_PARAMS_TAGS_PER_BATCH,
)

from tracelate.files import sha256_of
from tracelate.tracking.process import process_tags
from tracelate.tracking.registry import reporting_failures
from tracelate.tracking.store import connect, find_or_create_experiment
from tracelate.training.run_file import Commit

RESTORED_FROM = "tracelate.restored_from"
"""A tag of a run that stands for another, which is gone or holds an evaluation by other settings.
"""
GONE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""What asking for a run fails with where there is none: of that id, or of an id like that."""
Entry = TypeVar("Entry")


class DataFile(NamedTuple):
    """A dataset that a run read."""

    path: Path
    """From the project's root."""
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
        logged = self.client.get_run(self.run_id).data.params
        entries = [Param(name, str(value)) for name, value in flatten(params) if name not in logged]
        for batch in _in_batches(entries, MAX_PARAMS_TAGS_PER_BATCH):
            self.client.log_batch(self.run_id, params=batch)

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Logs the values that are not the run's latest already."""
        latest = self.client.get_run(self.run_id).data.metrics
        changed = {name: value for name, value in metrics.items() if latest.get(name) != value}
        self._log([{"step": 0, **changed}])

    def log_curve(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Logs rows of metrics, each at its own `step`, but for points that are there already."""
        logged = {
            (name, point.step, point.value)
            for name in {name for row in rows for name in row if name != "step"}
            for point in self.client.get_metric_history(self.run_id, name)
        }
        self._log(
            {
                name: value
                for name, value in row.items()
                if name == "step" or (name, int(row["step"]), float(value)) not in logged
            }
            for row in rows
        )

    def log_model_metrics(
        self, model: LoggedModel, test: DataFile, sha256: str, metrics: Mapping[str, float]
    ) -> None:
        """Hangs metrics on the run and on its model, with the dataset they were measured on."""
        known = {one.key: one.value for one in model.metrics or []}
        now_ms = _now_ms()
        entries = []
        for name, value in metrics.items():
            if known.get(name) != value:
                # the same point of time makes it the same point of the run's curve
                earlier = [
                    point.timestamp
                    for point in self.client.get_metric_history(self.run_id, name)
                    if point.value == value
                ]
                entries.append(
                    Metric(
                        name,
                        value,
                        earlier[-1] if earlier else now_ms,
                        0,
                        model_id=model.model_id,
                        dataset_name=test.path.as_posix(),
                        dataset_digest=digest(sha256),
                    )
                )
        for batch in _in_batches(entries, MAX_METRICS_PER_BATCH):
            self.client.log_batch(self.run_id, metrics=batch)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        entries = [RunTag(name, value) for name, value in tags.items()]
        for batch in _in_batches(entries, MAX_PARAMS_TAGS_PER_BATCH):
            self.client.log_batch(self.run_id, tags=batch)

    def log_datasets(self, files: Iterable[DataFile], root: Path = Path()) -> None:
        """Logs what was read, each with the beginning of its sha256 as the digest."""
        self.client.log_inputs(
            self.run_id,
            [
                DatasetInput(
                    Dataset(
                        name=file.path.as_posix(),
                        digest=digest(sha256_of(root / file.path)),
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

    def log_table(self, columns: Mapping[str, Sequence[Any]], name: str) -> None:
        """Logs columns of equal length as a table that MLflow shows, in place of an earlier one."""
        # not client.log_table: that appends to what is there
        rows = [list(row) for row in zip(*columns.values(), strict=True)]
        self.client.log_dict(self.run_id, {"columns": list(columns), "data": rows}, name)
        listed = json.dumps([{"path": name, "type": "table"}])
        self.client.set_tag(self.run_id, MLFLOW_LOGGED_ARTIFACTS, listed)

    def tag(self, name: str) -> str | None:
        value: str | None = self.client.get_run(self.run_id).data.tags.get(name)
        return value

    def finish(self) -> None:
        if self.client.get_run(self.run_id).info.status != "FINISHED":
            self.client.set_terminated(self.run_id, "FINISHED")

    def fail(self) -> None:
        self.client.set_terminated(self.run_id, "FAILED")

    def _log(self, rows: Iterable[Mapping[str, float]]) -> None:
        now_ms = _now_ms()
        entries = [
            Metric(name, float(value), now_ms, int(row["step"]))
            for row in rows
            for name, value in row.items()
            if name != "step"
        ]
        for batch in _in_batches(entries, MAX_METRICS_PER_BATCH):
            self.client.log_batch(self.run_id, metrics=batch)


def start_run(
    experiment: str, name: str, tags: Mapping[str, str], resumed_run_id: str | None = None
) -> tuple[TrackedRun, bool]:
    """Starts a run of this process, or takes up the one that is resumed. Says whether it is new.

    Raises InputError where the store cannot be reached.
    """
    client = connect()
    tags = {**tags, **process_tags()}
    if resumed_run_id is not None and find_run(client, resumed_run_id) is not None:
        client.update_run(resumed_run_id, status="RUNNING")
        run = TrackedRun(client, resumed_run_id)
        run.set_tags(tags)
        return run, False
    experiment_id = find_or_create_experiment(client, experiment).experiment_id
    created = client.create_run(experiment_id, tags=tags, run_name=name)
    return TrackedRun(client, created.info.run_id), True


def attach_run(
    run_id: str, experiment: str, name: str, settings: Mapping[str, Any]
) -> tuple[TrackedRun, bool]:
    """The run for files that the training `run_id` made. Says whether the run is new.

    It is the training's own run, where that is there and holds no other values of `settings`,
    which could not be changed; else a run that stands for it, found by its tag
    `tracelate.restored_from`; else a new one with that tag.
    """
    client = connect()
    found = find_attached(client, run_id, experiment, settings)
    if found is not None:
        return TrackedRun(client, found.info.run_id), False
    return start_run(experiment, name, {RESTORED_FROM: run_id})


def find_attached(
    client: MlflowClient, run_id: str, experiment: str, settings: Mapping[str, Any]
) -> Run | None:
    """The run that `attach_run` takes; None where it makes a new one."""
    wanted = {name: str(value) for name, value in flatten(settings)}
    own = find_run(client, run_id)
    home = client.get_experiment_by_name(experiment)
    stand_ins = _stand_ins(client, home.experiment_id, run_id) if home is not None else []
    for run in [*([own] if own is not None else []), *stand_ins]:
        logged = run.data.params
        if all(logged.get(name, value) == value for name, value in wanted.items()):
            return run
    return None


def find_run(client: MlflowClient, run_id: str) -> Run | None:
    """The run, or None where it is missing or deleted.

    Raises StoreError where the store does not say: a run taken for gone would be started twice.
    """
    with reporting_failures():
        try:
            run = client.get_run(run_id)
        except MlflowException as error:
            if error.error_code in GONE:
                return None
            raise
    return run if run.info.lifecycle_stage == "active" else None


def source_tags(commit: Commit) -> dict[str, str]:
    """Which code a run comes from."""
    tags = {MLFLOW_SOURCE_NAME: "dvc.yaml", MLFLOW_USER: os.environ.get("USER", "unknown")}
    if commit.sha is not None:
        tags[MLFLOW_GIT_COMMIT] = commit.sha
        tags["git.dirty"] = str(commit.dirty).lower()
    return tags


def dvc_tags() -> dict[str, str]:
    """The stage and the experiment that DVC is running now."""
    variables = ("DVC_STAGE", "DVC_EXP_NAME", "DVC_EXP_BASELINE_REV")
    return {
        variable.lower().replace("_", ".", 1): os.environ[variable]
        for variable in variables
        if os.environ.get(variable)
    }


def hash_tags(files: Iterable[Path], root: Path = Path()) -> dict[str, str]:
    """The sha256 of each file under a name of its own."""
    return {f"sha256.{path.as_posix()}": sha256_of(root / path) for path in files}


def digest(sha256: str) -> str:
    """A hash as short as MLflow takes it for a dataset."""
    return sha256[:MAX_DATASET_DIGEST_SIZE]


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Nested values under dotted names."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _stand_ins(client: MlflowClient, experiment_id: str, run_id: str) -> list[Run]:
    found = client.search_runs(
        [experiment_id],
        f"tags.`{RESTORED_FROM}` = '{run_id}'",
        order_by=["attributes.start_time ASC"],
    )
    return list(found)


def _now_ms() -> int:
    return int(time.time() * 1000)


def _in_batches(entries: list[Entry], size: int) -> Iterable[list[Entry]]:
    return (entries[start : start + size] for start in range(0, len(entries), size))
