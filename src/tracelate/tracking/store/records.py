"""Entries of MLflow's store as plain values, so that no other package needs MLflow's classes."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import NamedTuple

from mlflow import entities
from mlflow.entities import model_registry

from tracelate.tracking.store.hash_tags import unfold

MODEL_ID_TAG = "tracelate.model_id"
"""Tag of a version with the id of its logged model, which MLflow's database does not keep."""
LOGGED_MODEL = re.compile(r"models:/(?P<model_id>m-[^/@]+)")
"""Address of a logged model."""


class StoredExperiment(NamedTuple):
    """An experiment that was not deleted."""

    experiment_id: str
    name: str


class StoredRun(NamedTuple):
    """A run and the latest of what was logged to it."""

    run_id: str
    name: str
    experiment_id: str
    status: str
    """RUNNING, SCHEDULED, FINISHED, FAILED or KILLED."""
    is_deleted: bool
    started_ms: int
    """Milliseconds since 1970."""
    artifact_uri: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    """With a tag `sha256.PATH` for each file whose hash was logged."""
    metrics: Mapping[str, float]
    model_ids: tuple[str, ...]
    """Ids of the logged models that are linked as outputs, in the order of linking."""

    def measured(self, name: str) -> float | None:
        """Returns a metric; None if it was not logged, or is NaN or infinite.

        MLflow's database has the largest float in place of infinity.
        """
        value = self.metrics.get(name)
        return None if value is None or not abs(value) < sys.float_info.max else value


class StoredModel(NamedTuple):
    """A logged model: the weights of one training with their tags."""

    model_id: str
    name: str
    status: str
    """PENDING, READY or FAILED."""
    created_ms: int
    """Milliseconds since 1970."""
    artifact_location: str
    run_id: str | None
    """Id of the run that logged the model."""
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


class StoredVersion(NamedTuple):
    """A version of a registered model."""

    name: str
    """Name of the registered model."""
    version: str
    run_id: str | None
    model_id: str | None
    """Id of the logged model that the version was made from."""
    source: str
    """Address from which the version was made."""
    tags: Mapping[str, str]


class RegisteredModel(NamedTuple):
    """An entry of the model registry."""

    name: str
    aliases: Mapping[str, str]
    """From an alias to the version that it points at."""
    tags: Mapping[str, str]


def run_record(run: entities.Run) -> StoredRun:
    """Returns MLflow's run as a plain value."""
    outputs = run.outputs.model_outputs if run.outputs is not None else []
    return StoredRun(
        run_id=run.info.run_id,
        name=run.info.run_name or "",
        experiment_id=run.info.experiment_id,
        status=run.info.status,
        is_deleted=run.info.lifecycle_stage != "active",
        started_ms=run.info.start_time,
        artifact_uri=run.info.artifact_uri,
        params=run.data.params,
        tags=unfold(run.data.tags),
        metrics=run.data.metrics,
        model_ids=tuple(one.model_id for one in outputs),
    )


def model_record(model: entities.LoggedModel) -> StoredModel:
    """Returns MLflow's logged model as a plain value."""
    return StoredModel(
        model_id=model.model_id,
        name=model.name,
        status=str(model.status),
        created_ms=model.creation_timestamp,
        artifact_location=model.artifact_location,
        run_id=model.source_run_id or None,
        params=model.params,
        tags=model.tags,
        metrics={metric.key: metric.value for metric in model.metrics or []},
    )


def version_record(version: model_registry.ModelVersion) -> StoredVersion:
    """Returns MLflow's version of a registered model as a plain value."""
    source = version.source or ""
    from_source = LOGGED_MODEL.fullmatch(source)
    return StoredVersion(
        name=version.name,
        version=str(version.version),
        run_id=version.run_id or None,
        model_id=version.model_id
        or version.tags.get(MODEL_ID_TAG)
        or (from_source["model_id"] if from_source else None),
        source=source,
        tags=version.tags,
    )


def registered_record(registered: model_registry.RegisteredModel) -> RegisteredModel:
    """Returns MLflow's registered model as a plain value."""
    aliases = {name: str(version) for name, version in registered.aliases.items()}
    return RegisteredModel(registered.name, aliases, registered.tags)
