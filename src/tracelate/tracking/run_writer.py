"""A run in MLflow's store, and what is written to it.

Files are the truth and MLflow mirrors them. Everything is written through the client, so that
nothing but `finish` and `fail` changes a run's status, and writing it again changes nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModel, Metric, Param, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS
from mlflow.utils.validation import (
    MAX_DATASET_DIGEST_SIZE,
    MAX_METRICS_PER_BATCH,
    MAX_PARAMS_TAGS_PER_BATCH,
)

from tracelate.files import sha256_of

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


def _now_ms() -> int:
    return int(time.time() * 1000)


def _in_batches(entries: list[Entry], size: int) -> Iterable[list[Entry]]:
    return (entries[start : start + size] for start in range(0, len(entries), size))
