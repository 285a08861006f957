"""Registered models of MLflow's store: their versions, aliases and tags."""

from __future__ import annotations

from collections.abc import Mapping

from mlflow.utils import get_results_from_paginated_fn

from tracelate.tracking.store.failures import AlreadyExistsError, NotFoundError, ReportingClient
from tracelate.tracking.store.mlflow_settings import default_store
from tracelate.tracking.store.records import (
    LOGGED_MODEL,
    MODEL_ID_TAG,
    RegisteredModel,
    StoredVersion,
    registered_record,
    version_record,
)

PAGE_SIZE = 1000


class ModelRegistry:
    """Reads and writes registered models.

    Every method raises StoreError if MLflow fails.
    """

    def __init__(self, client: ReportingClient) -> None:
        self._client = client

    def search(self, filter_string: str = "") -> list[RegisteredModel]:
        """Returns the registered models that match MLflow's filter."""
        found = get_results_from_paginated_fn(
            lambda size, token: self._client.search_registered_models(
                filter_string or None, max_results=size, page_token=token
            ),
            PAGE_SIZE,
        )
        return [registered_record(one) for one in found]

    def find(self, name: str) -> RegisteredModel | None:
        """Returns the registered model, or None if there is none of that name."""
        try:
            return registered_record(self._client.get_registered_model(name))
        except NotFoundError:
            return None

    def create(self, name: str, tags: Mapping[str, str], description: str = "") -> None:
        """Raises AlreadyExistsError if there is a registered model of that name."""
        self._client.create_registered_model(name, dict(tags), description or None)

    def create_if_missing(self, name: str) -> None:
        """Creates the registered model, unless there is one of that name."""
        try:
            self.create(name, {})
        except AlreadyExistsError:
            return

    def delete(self, name: str) -> None:
        """Deletes the registered model with all its versions."""
        self._client.delete_registered_model(name)

    def set_tag(self, name: str, tag: str, value: str) -> None:
        """Sets a tag of the registered model, in place of an earlier value."""
        self._client.set_registered_model_tag(name, tag, value)

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Points the alias of the registered model at a version."""
        self._client.set_registered_model_alias(name, alias, version)

    def versions(self, name: str | None = None) -> list[StoredVersion]:
        """Returns the versions of a registered model, or of all, the highest version first."""
        found = get_results_from_paginated_fn(
            lambda size, token: self._client.search_model_versions(
                None if name is None else f"name = '{name}'",
                max_results=size,
                order_by=["name ASC", "version_number DESC"],
                page_token=token,
            ),
            PAGE_SIZE,
        )
        return [version_record(one) for one in found]

    def version(self, name: str, version: str) -> StoredVersion:
        """Raises NotFoundError or InvalidValueError if there is none."""
        return version_record(self._client.get_model_version(name, version))

    def version_at(self, name: str, alias: str) -> StoredVersion:
        """Returns the version that the alias points at.

        Raises NotFoundError or InvalidValueError if there is none.
        """
        return version_record(self._client.get_model_version_by_alias(name, alias))

    def create_version(
        self, name: str, model_id: str, run_id: str, description: str | None = None
    ) -> StoredVersion:
        """Creates a version of the registered model from a logged model."""
        with default_store():
            created = self._client.create_model_version(
                name,
                f"models:/{model_id}",
                run_id=run_id,
                tags={MODEL_ID_TAG: model_id},
                description=description,
                model_id=model_id,
            )
        return version_record(created)

    def set_version_tag(self, name: str, version: str, tag: str, value: str) -> None:
        """Sets a tag of a version, in place of an earlier value."""
        self._client.set_model_version_tag(name, version, tag, value)

    def location(self, version: StoredVersion) -> str:
        """Returns the address of the version's files in the artifact store."""
        address = self._client.get_model_version_download_uri(version.name, version.version)
        if logged := LOGGED_MODEL.fullmatch(address):
            return str(self._client.get_logged_model(logged["model_id"]).artifact_location)
        return str(address)
