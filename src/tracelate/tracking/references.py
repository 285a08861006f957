"""Finding runs in MLflow's store by what people call them."""

from __future__ import annotations

import re
from typing import NamedTuple

from tracelate.errors import InputError
from tracelate.tracking.address import shown_uri
from tracelate.tracking.failures import InvalidValueError, NotFoundError
from tracelate.tracking.records import LOGGED_MODEL, StoredRun
from tracelate.tracking.store import Store

SHORT_ID = 8
"""Characters of a run's id that people are shown."""
SHORTEST_PREFIX = 6
ID_PREFIX = re.compile(rf"[0-9a-f]{{{SHORTEST_PREFIX},32}}")
NAMED_AT_MOST = 5


def find_unique_run(store: Store, reference: str) -> StoredRun:
    """The run of that id, of an id that begins so, or of that name, in any experiment.

    Raises InputError where there is none, or more than one.
    """
    experiment_ids = [one.experiment_id for one in store.runs.experiments()]
    found: list[StoredRun] = []
    if ID_PREFIX.fullmatch(reference):
        found = store.runs.search(experiment_ids, f"attributes.run_id LIKE '{reference}%'")
    if not found:
        # not by a filter: MLflow's have no way to write a name with both kinds of quotes
        runs = store.runs.search(experiment_ids)
        found = [run for run in runs if run.name == reference]
    if not found:
        raise InputError(
            f"{reference!r} is no folder, no models:/… and no run in {shown_uri()}: name a run "
            f"by its name or by {SHORTEST_PREFIX} or more characters of its id; `tracelate runs` "
            "lists them"
        )
    if len(found) > 1:
        ids = ", ".join(run.run_id[:SHORT_ID] for run in found[:NAMED_AT_MOST])
        more = f" and {len(found) - NAMED_AT_MOST} more" if len(found) > NAMED_AT_MOST else ""
        raise InputError(f"{reference!r} names {len(found)} runs: say which, {ids}{more}")
    return found[0]


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


def find_model(store: Store, reference: str) -> ModelSource:
    """What MLflow's store has under that reference, its alias as the version that it has now.

    Raises InputError where there is none.
    """
    try:
        if parts := REGISTERED.fullmatch(reference):
            return _registered(store, parts["name"], parts["alias"], parts["version"])
        if parts := LOGGED_MODEL.fullmatch(reference):
            return _logged(store, parts["model_id"])
    except (NotFoundError, InvalidValueError) as error:
        raise InputError(
            f"{reference} is not in {shown_uri()} ({error.reason}): name a model, alias and "
            "version that are"
        ) from error
    if reference.startswith("models:"):
        raise InputError(
            f"{reference!r} is no model: write models:/NAME@alias, models:/NAME/3 or models:/ID"
        )
    run = find_unique_run(store, reference.removeprefix(RUNS).strip("/"))
    if not run.model_ids:
        raise InputError(
            f"run {run.name} ({run.run_id}) has no model: name a run that was "
            "evaluated; `tracelate sync` writes again what MLflow lacks"
        )
    return _logged(store, run.model_ids[-1])


def _registered(store: Store, name: str, alias: str | None, version: str) -> ModelSource:
    if alias is not None:
        found = store.registry.version_at(name, alias)
    else:
        found = store.registry.version(name, version)
    return ModelSource(
        name,
        found.version,
        found.run_id,
        found.model_id,
        f"models:/{name}/{found.version}",
    )


def _logged(store: Store, model_id: str) -> ModelSource:
    model = store.models.get(model_id)
    return ModelSource(model.name, None, model.run_id, model_id, f"models:/{model_id}")
