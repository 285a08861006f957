"""Writing to a run of MLflow's store.

Files are the truth and MLflow mirrors them. Only `finish` and `fail` change a run's status, and
writing the same values again changes nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS
from mlflow.utils.validation import MAX_DATASET_DIGEST_SIZE

from tracelate.tracking.runs.run_contents import Curve, DataFile, RunContents
from tracelate.tracking.store.records import StoredModel
from tracelate.tracking.store.store import Store

SPEEDS = frozenset({"tokens_per_s", "test_sentences_per_s"})
"""Metrics that have another value when a stage that was killed measures them again."""


class RunWriter:
    """Writes params, metrics, tags and files to one run.

    Every method raises StoreError if MLflow fails.
    """

    def __init__(self, store: Store, run_id: str) -> None:
        self.store = store
        self.run_id = run_id

    def write(self, contents: RunContents) -> None:
        """Writes all contents that the run does not have yet."""
        self.log_params(contents.params)
        self.set_tags(contents.tags)
        self.log_datasets(contents.datasets)
        self.log_metrics(contents.metrics)
        for curve in contents.curves:
            self.log_curve(curve)
        for folder, paths in contents.files.items():
            self.log_files(paths, folder)
        for path, columns in contents.tables.items():
            self.log_table(columns, path)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Logs nested settings under dotted names; a value that was logged is never changed."""
        logged = self.store.runs.get(self.run_id).params
        entries = {name: str(value) for name, value in flatten(params) if name not in logged}
        self.store.runs.log_params(self.run_id, entries)

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Logs the values that differ from the run's latest ones; a speed is logged once."""
        latest = self.store.runs.get(self.run_id).metrics
        changed = {
            name: value
            for name, value in metrics.items()
            if latest.get(name) != value and not (name in SPEEDS and name in latest)
        }
        self._log_rows([{"step": 0, **changed}])

    def log_curve(self, rows: Curve) -> None:
        """Logs rows of metrics, each at its own `step`, without the points that were logged."""
        logged = {
            _point(name, point.step, point.value)
            for name in {name for row in rows for name in row if name != "step"}
            for point in self.store.runs.metric_history(self.run_id, name)
        }
        self._log_rows(
            {
                name: value
                for name, value in row.items()
                if name == "step" or _point(name, int(row["step"]), float(value)) not in logged
            }
            for row in rows
        )

    def log_model_metrics(
        self, model: StoredModel, test: DataFile, metrics: Mapping[str, float]
    ) -> None:
        """Logs metrics to the run and to its model, with the test set they were measured on."""
        entries = [
            Metric(
                name,
                *self._logged(name, value),
                0,
                model_id=model.model_id,
                dataset_name=test.path.as_posix(),
                dataset_digest=digest(test.sha256),
            )
            for name, value in metrics.items()
            if model.metrics.get(name) != value and not (name in SPEEDS and name in model.metrics)
        ]
        self.store.runs.log_metrics(self.run_id, entries)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Sets tags, in place of earlier values."""
        self.store.runs.set_tags(self.run_id, tags)

    def log_datasets(self, files: Iterable[DataFile]) -> None:
        """Logs the files that the run read, each with the beginning of its sha256 as digest."""
        datasets = [
            DatasetInput(
                Dataset(
                    name=file.path.as_posix(),
                    digest=digest(file.sha256),
                    source_type="local",
                    source=f'{{"uri": "{file.path.as_posix()}"}}',
                    profile=f'{{"num_rows": {file.row_count}}}',
                ),
                [InputTag("mlflow.data.context", file.context)],
            )
            for file in files
        ]
        self.store.runs.log_datasets(self.run_id, datasets)

    def log_files(self, paths: Iterable[Path], folder: str | None = None) -> None:
        """Copies files into a folder of the run's artifacts."""
        for path in paths:
            self.store.runs.log_file(self.run_id, path, folder)

    def log_table(self, columns: Mapping[str, Sequence[Any]], name: str) -> None:
        """Logs columns of equal length as a table that MLflow shows, in place of an earlier one."""
        # MlflowClient.log_table would append to the earlier table
        rows = [list(row) for row in zip(*columns.values(), strict=True)]
        self.store.runs.log_document(self.run_id, {"columns": list(columns), "data": rows}, name)
        listed = json.dumps([{"path": name, "type": "table"}])
        self.set_tags({MLFLOW_LOGGED_ARTIFACTS: listed})

    def tag(self, name: str) -> str | None:
        """Returns the value of a tag, or None if it is not set."""
        return self.store.runs.get(self.run_id).tags.get(name)

    def finish(self) -> None:
        """Sets the run's status to FINISHED, and its end time if it was not finished yet."""
        if self.store.runs.get(self.run_id).status != "FINISHED":
            self.store.runs.end(self.run_id, "FINISHED")

    def fail(self) -> None:
        """Sets the run's status to FAILED."""
        self.store.runs.end(self.run_id, "FAILED")

    def _logged(self, name: str, value: float) -> tuple[float, int]:
        """Returns a value of the run and the time when it was last logged, else this time.

        A point that is logged again with the same time is the same point of the run's curve.
        """
        history = self.store.runs.metric_history(self.run_id, name)
        for point in reversed(history):
            if name in SPEEDS or point.value == value:
                return point.value, point.logged_ms
        return value, _now_ms()

    def _log_rows(self, rows: Iterable[Mapping[str, float]]) -> None:
        now_ms = _now_ms()
        entries = [
            Metric(name, float(value), now_ms, int(row["step"]))
            for row in rows
            for name, value in row.items()
            if name != "step"
        ]
        self.store.runs.log_metrics(self.run_id, entries)


def _point(name: str, step: int, value: float) -> tuple[object, ...]:
    """Returns what two points that are the same have in common."""
    return (name, step) if name in SPEEDS else (name, step, value)


def digest(sha256: str) -> str:
    """Returns the beginning of a hash, of the length that MLflow allows for a dataset."""
    return sha256[:MAX_DATASET_DIGEST_SIZE]


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Yields nested values under dotted names."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _now_ms() -> int:
    return int(time.time() * 1000)
