"""Finding runs in MLflow's store by what people call them."""

from __future__ import annotations

import re
from typing import NamedTuple

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from tracelate.errors import InputError
from tracelate.tracking.store import (
    all_experiments,
    all_runs,
    reason_of,
    shown_uri,
)

SHORT_ID = 8
"""Characters of a run's id that people are shown."""
SHORTEST_PREFIX = 6
ID_PREFIX = re.compile(rf"[0-9a-f]{{{SHORTEST_PREFIX},32}}")
NAMED_AT_MOST = 5


def find_unique_run(client: MlflowClient, reference: str) -> Run:
    """The run of that id, of an id that begins so, or of that name, in any experiment.

    Raises InputError where there is none, or more than one.
    """
    experiment_ids = [one.experiment_id for one in all_experiments(client)]
    found: list[Run] = []
    if ID_PREFIX.fullmatch(reference):
        found = all_runs(client, experiment_ids, f"attributes.run_id LIKE '{reference}%'")
    if not found:
        # not by a filter: MLflow's have no way to write a name with both kinds of quotes
        runs = all_runs(client, experiment_ids)
        found = [run for run in runs if run.info.run_name == reference]
    if not found:
        raise InputError(
            f"{reference!r} is no folder, no models:/… and no run in {shown_uri()}: name a run "
            f"by its name or by {SHORTEST_PREFIX} or more characters of its id; `tracelate runs` "
            "lists them"
        )
    if len(found) > 1:
        ids = ", ".join(run.info.run_id[:SHORT_ID] for run in found[:NAMED_AT_MOST])
        more = f" and {len(found) - NAMED_AT_MOST} more" if len(found) > NAMED_AT_MOST else ""
        raise InputError(f"{reference!r} names {len(found)} runs: say which, {ids}{more}")
    return found[0]


LOGGED = re.compile(r"models:/(?P<model_id>m-[^/@]+)")


MODEL_TAG = "tracelate.model_id"
"""Of a version: its LoggedModel, which a database of MLflow's does not keep."""


def model_id_of(version: ModelVersion) -> str | None:
    """The LoggedModel that a version is. A database of MLflow's does not keep it, our tag does."""
    known: str | None = version.model_id or version.tags.get(MODEL_TAG)
    source = LOGGED.fullmatch(version.source or "")
    return known or (source["model_id"] if source else None)


REGISTERED = re.compile(
    r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>[0-9]+))", re.ASCII
)


RUNS = "runs:/"


class ModelSource(NamedTuple):
    """A packed model, and what MLflow knows it as."""

    name: str
    """The registered model's; of one that is not registered, the model's own or its folder."""
    version: str | None
    run_id: str | None
    model_id: str | None
    uri: str
    """models:/…, or the folder."""

    @property
    def title(self) -> str:
        return self.name if self.version is None else f"{self.name}/{self.version}"


def find_model(client: MlflowClient, reference: str) -> ModelSource:
    """What MLflow's store has under that reference, its alias as the version that it has now.

    Raises InputError where there is none.
    """
    try:
        if parts := REGISTERED.fullmatch(reference):
            return _registered(client, parts["name"], parts["alias"], parts["version"])
        if parts := LOGGED.fullmatch(reference):
            return _logged(client, parts["model_id"])
    except MlflowException as error:
        raise InputError(
            f"{reference} is not in {shown_uri()} ({reason_of(error)}): name a model, alias and "
            "version that are"
        ) from error
    if reference.startswith("models:"):
        raise InputError(
            f"{reference!r} is no model: write models:/NAME@alias, models:/NAME/3 or models:/ID"
        )
    run = find_unique_run(client, reference.removeprefix(RUNS).strip("/"))
    models = run.outputs.model_outputs if run.outputs is not None else []
    if not models:
        raise InputError(
            f"run {run.info.run_name} ({run.info.run_id}) has no model: name a run that was "
            "evaluated; `tracelate sync` writes again what MLflow lacks"
        )
    return _logged(client, models[-1].model_id)


def _registered(
    client: MlflowClient, name: str, alias: str | None, version: str | None
) -> ModelSource:
    if alias is not None:
        found = client.get_model_version_by_alias(name, alias)
    else:
        found = client.get_model_version(name, version)
    return ModelSource(
        name,
        str(found.version),
        found.run_id or None,
        model_id_of(found),
        f"models:/{name}/{found.version}",
    )


def _logged(client: MlflowClient, model_id: str) -> ModelSource:
    model = client.get_logged_model(model_id)
    return ModelSource(
        model.name, None, model.source_run_id or None, model_id, f"models:/{model_id}"
    )
