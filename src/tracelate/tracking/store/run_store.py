"""Experiments and runs of MLflow's store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from mlflow.entities import DatasetInput, LoggedModelOutput, Metric, Param, RunTag
from mlflow.utils import get_results_from_paginated_fn
from mlflow.utils.validation import MAX_METRICS_PER_BATCH, MAX_PARAMS_TAGS_PER_BATCH

from tracelate.files import finite_or_none
from tracelate.layout import ARTIFACTS, project_root
from tracelate.tracking.store.address import tracking_uri
from tracelate.tracking.store.failures import (
    AlreadyExistsError,
    ArtifactError,
    InvalidValueError,
    NotFoundError,
    ReportingClient,
    StoreError,
    reason_of,
)
from tracelate.tracking.store.hash_tags import fold, has_hashes
from tracelate.tracking.store.records import StoredExperiment, StoredRun, run_record
from tracelate.tracking.store.runs_view import TAG, runs_view

PAGE_SIZE = 1000
Entry = TypeVar("Entry")


class MetricPoint(NamedTuple):
    """One value of a metric's curve."""

    step: int
    value: float
    logged_ms: int
    """Milliseconds since 1970."""


class RunStore:
    """Reads and writes experiments, runs and the files of runs.

    Every method raises StoreError if MLflow fails.
    """

    def __init__(self, client: ReportingClient) -> None:
        self._client = client

    def experiments(self) -> list[StoredExperiment]:
        """Returns the experiments that were not deleted."""
        found = get_results_from_paginated_fn(
            lambda size, token: self._client.search_experiments(max_results=size, page_token=token),
            PAGE_SIZE,
        )
        return [StoredExperiment(one.experiment_id, one.name) for one in found]

    def find_experiment(self, name: str) -> str | None:
        """Returns the id of the experiment, or None if there is none of that name."""
        found = self._client.get_experiment_by_name(name)
        return None if found is None else str(found.experiment_id)

    def experiment_name(self, experiment_id: str) -> str:
        """Raises NotFoundError if there is no experiment of that id."""
        return str(self._client.get_experiment(experiment_id).name)

    def find_or_create_experiment(self, name: str) -> str:
        """Returns the id of the experiment of that name.

        Artifacts are stored at the project's root, unless a server has a place for them.

        Raises StoreError if the experiment was deleted.
        """
        found = self._client.get_experiment_by_name(name)
        if found is None:
            on_server = tracking_uri().startswith(("http://", "https://"))
            location = None if on_server else (project_root() / ARTIFACTS).as_uri()
            try:
                tags = {TAG: runs_view()}
                return str(self._client.create_experiment(name, location, tags))
            except AlreadyExistsError:  # another process has made it meanwhile, or it was deleted
                found = self._client.get_experiment_by_name(name)
        if found.lifecycle_stage == "deleted":
            raise StoreError(
                f"runtime.experiment {name!r} was deleted in MLflow: restore it, or name another"
            )
        return str(found.experiment_id)

    def set_view(self, experiment_id: str) -> None:
        """Gives an experiment of an older version the view of its runs that it has now."""
        view = runs_view()
        if self._client.get_experiment(experiment_id).tags.get(TAG) != view:
            self._client.set_experiment_tag(experiment_id, TAG, view)

    def create(self, experiment_id: str, name: str, tags: Mapping[str, str]) -> str:
        """Creates a run with status RUNNING and returns its id."""
        created = self._client.create_run(experiment_id, tags=fold(tags, {}), run_name=name)
        return str(created.info.run_id)

    def get(self, run_id: str) -> StoredRun:
        """Returns the run, also if it was deleted. Raises NotFoundError if there is none."""
        return run_record(self._client.get_run(run_id))

    def find(self, run_id: str) -> StoredRun | None:
        """Returns the run, or None if it is missing or deleted."""
        try:
            run = self.get(run_id)
        except (NotFoundError, InvalidValueError):
            return None
        return None if run.is_deleted else run

    def search(self, experiment_ids: Sequence[str], filter_string: str = "") -> list[StoredRun]:
        """Returns the runs of the experiments that match MLflow's filter, the newest first.

        Deleted runs are left out.
        """
        if not experiment_ids:
            return []
        found = get_results_from_paginated_fn(
            lambda size, token: self._client.search_runs(
                list(experiment_ids),
                filter_string,
                max_results=size,
                order_by=["attributes.start_time DESC"],
                page_token=token,
            ),
            PAGE_SIZE,
        )
        return [run_record(run) for run in found]

    def restart(self, run_id: str) -> None:
        """Sets the run's status to RUNNING."""
        self._client.update_run(run_id, status="RUNNING")

    def end(self, run_id: str, status: Literal["FINISHED", "FAILED", "KILLED"]) -> None:
        """Sets the run's status and its end time."""
        self._client.set_terminated(run_id, status)

    def log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        """Logs params. Raises InvalidValueError if one was logged with another value."""
        entries = [Param(name, value) for name, value in params.items()]
        for batch in _batches(entries, MAX_PARAMS_TAGS_PER_BATCH):
            self._client.log_batch(run_id, params=batch)

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Sets tags, in place of earlier values; see hash_tags for those of files."""
        stored = self._client.get_run(run_id).data.tags if has_hashes(tags) else {}
        entries = [RunTag(name, value) for name, value in fold(tags, stored).items()]
        for batch in _batches(entries, MAX_PARAMS_TAGS_PER_BATCH):
            self._client.log_batch(run_id, tags=batch)

    def log_metrics(self, run_id: str, metrics: Sequence[Metric]) -> None:
        """Appends points to the curves of the run's metrics."""
        for batch in _batches(metrics, MAX_METRICS_PER_BATCH):
            self._client.log_batch(run_id, metrics=batch)

    def metric_history(self, run_id: str, name: str) -> list[MetricPoint]:
        """Returns all points of a metric's curve; empty if it was never logged."""
        return [
            MetricPoint(point.step, point.value, point.timestamp)
            for point in self._client.get_metric_history(run_id, name)
        ]

    def log_datasets(self, run_id: str, datasets: Sequence[DatasetInput]) -> None:
        """Logs the datasets that the run read."""
        self._client.log_inputs(run_id, list(datasets))

    def link_model(self, run_id: str, model_id: str) -> None:
        """Makes a logged model an output of the run, unless it is one already."""
        if model_id not in self.get(run_id).model_ids:
            self._client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])

    def log_file(self, run_id: str, path: Path, folder: str | None = None) -> None:
        """Copies a file into a folder of the run's artifacts."""
        self._client.log_artifact(run_id, str(path), folder)

    def log_document(self, run_id: str, document: Mapping[str, Any], path: str) -> None:
        """Writes a document as JSON to a path among the run's artifacts; NaN becomes null."""
        self._client.log_dict(run_id, finite_or_none(document), path)

    def download_file(self, run_id: str, path: str, folder: Path) -> Path:
        """Copies an artifact of the run into a local folder and returns the copy's path.

        Raises ArtifactError if the artifact is missing or cannot be read.
        """
        try:
            return Path(self._client.download_artifacts(run_id, path, str(folder)))
        except (StoreError, OSError) as error:
            raise ArtifactError(f"{path} of run {run_id}", reason_of(error)) from error


def _batches(entries: Sequence[Entry], size: int) -> Iterable[Sequence[Entry]]:
    return (entries[start : start + size] for start in range(0, len(entries), size))
