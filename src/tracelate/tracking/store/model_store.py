"""Logged models of MLflow's store, and the files of its artifact store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mlflow.artifacts import download_artifacts, list_artifacts
from mlflow.entities import LoggedModelStatus
from mlflow.exceptions import MlflowException
from mlflow.utils import get_results_from_paginated_fn
from mlflow.utils.file_utils import local_file_uri_to_path

from tracelate.tracking.store.address import tracking_uri
from tracelate.tracking.store.failures import (
    ArtifactError,
    NotFoundError,
    ReportingClient,
    reason_of,
)
from tracelate.tracking.store.mlflow_settings import default_store, quiet_mlflow
from tracelate.tracking.store.records import StoredModel, model_record

PAGE_SIZE = 100


class ModelStore:
    """Reads and writes logged models and their files.

    Every method raises StoreError if MLflow fails.
    """

    def __init__(self, client: ReportingClient) -> None:
        self._client = client

    def search(self, experiment_ids: Sequence[str], filter_string: str = "") -> list[StoredModel]:
        """Returns the models of the experiments that match MLflow's filter."""
        if not experiment_ids:
            return []
        found = get_results_from_paginated_fn(
            lambda size, token: self._client.search_logged_models(
                list(experiment_ids), filter_string or None, max_results=size, page_token=token
            ),
            PAGE_SIZE,
        )
        return [model_record(model) for model in found]

    def get(self, model_id: str) -> StoredModel:
        """Returns the model. Raises NotFoundError if there is none of that id."""
        return model_record(self._client.get_logged_model(model_id))

    def find(self, model_id: str) -> StoredModel | None:
        """Returns the model, or None if there is none of that id."""
        try:
            return self.get(model_id)
        except NotFoundError:
            return None

    def create(
        self,
        experiment_id: str,
        name: str,
        run_id: str,
        params: Mapping[str, str],
        tags: Mapping[str, str],
    ) -> StoredModel:
        """Creates a model with status PENDING, which `finish` or `fail` ends."""
        return model_record(
            self._client.create_logged_model(
                experiment_id,
                name=name,
                source_run_id=run_id,
                tags=dict(tags),
                params=dict(params),
                model_type="translation",
            )
        )

    def set_tags(self, model_id: str, tags: Mapping[str, str]) -> None:
        """Sets tags, in place of earlier values."""
        self._client.set_logged_model_tags(model_id, dict(tags))

    def log_folder(self, model_id: str, folder: Path) -> None:
        """Copies all that is in a local folder to the model's files."""
        self._client.log_model_artifacts(model_id, str(folder))

    def log_file(self, model_id: str, path: Path, folder: str | None = None) -> None:
        """Copies a local file into a folder of the model's files, or beside them without one."""
        self._client.log_model_artifact(model_id, str(path), folder)

    def finish(self, model_id: str) -> StoredModel:
        """Sets the model's status to READY."""
        ready = self._client.finalize_logged_model(model_id, LoggedModelStatus.READY)
        return model_record(ready)

    def fail(self, model_id: str) -> None:
        """Sets the model's status to FAILED."""
        self._client.finalize_logged_model(model_id, LoggedModelStatus.FAILED)

    def list_files(self, location: str) -> set[str]:
        """Returns the names of the files in a folder of the artifact store.

        The result is empty if the folder is missing or cannot be read.
        """
        try:
            if location.startswith("file:"):  # MLflow takes milliseconds for each folder
                return {path.name for path in Path(local_file_uri_to_path(location)).iterdir()}
            found = list_artifacts(artifact_uri=location, tracking_uri=tracking_uri())
        except (MlflowException, OSError):
            return set()
        return {Path(one.path).name for one in found}

    def download(self, location: str, folder: Path) -> Path:
        """Copies a file or folder of the artifact store into a local folder.

        `location` is an address in the artifact store, or models:/… for all files of a model.

        Returns the copy's path. Raises ArtifactError if it is missing or cannot be read.
        """
        uri = tracking_uri()
        try:
            with default_store(), quiet_mlflow():
                copied = download_artifacts(
                    artifact_uri=location, dst_path=str(folder), tracking_uri=uri, registry_uri=uri
                )
        except (MlflowException, OSError) as error:
            raise ArtifactError(location, reason_of(error)) from error
        return Path(copied)
