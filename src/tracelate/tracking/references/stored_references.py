"""References to entries of MLflow's store: runs, logged models and versions."""

from __future__ import annotations

import re

from tracelate.errors import InputError
from tracelate.tracking.references.references import (
    SHORT_ID,
    SHORTEST_PREFIX,
    ModelReference,
    RunReference,
    StoredReference,
    VersionReference,
    unknown_reference,
)
from tracelate.tracking.store.address import has_store, shown_uri
from tracelate.tracking.store.failures import InvalidValueError, NotFoundError
from tracelate.tracking.store.records import LOGGED_MODEL, StoredRun
from tracelate.tracking.store.store import Store, connect

VERSION = re.compile(
    r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>[0-9]+))", re.ASCII
)
"""Address of a version of a registered model."""
RUNS = "runs:/"
ID_PREFIX = re.compile(rf"[0-9a-f]{{{SHORTEST_PREFIX},32}}")
LISTED_RUNS = 5
"""Number of runs of the same name that a message lists."""


def find_stored(text: str) -> StoredReference:
    """Finds the run, the logged model or the version that `text` names.

    Raises InputError if there is none, or several runs; and StoreError if MLflow fails.
    """
    is_model = text.startswith("models:")
    if is_model and not (VERSION.fullmatch(text) or LOGGED_MODEL.fullmatch(text)):
        raise unknown_reference(text, "it has no alias, version or id")
    if not has_store():  # `connect` would create the database
        raise unknown_reference(
            text, f"it is no file or folder, and there is no MLflow store at {shown_uri()}"
        )
    store = connect()
    return _find_model(store, text) if is_model else RunReference(text, find_run(store, text))


def find_run(store: Store, text: str) -> StoredRun:
    """Finds the run of that id, of an id that begins so, or of that name, in any experiment.

    Raises InputError if there is none or several.
    """
    name = text.removeprefix(RUNS).strip("/")
    experiment_ids = [one.experiment_id for one in store.runs.experiments()]
    found: list[StoredRun] = []
    if ID_PREFIX.fullmatch(name):
        found = store.runs.search(experiment_ids, f"attributes.run_id LIKE '{name}%'")
    if not found and name:
        # MLflow's filters have no way to write a name that has both kinds of quotes
        found = [run for run in store.runs.search(experiment_ids) if run.name == name]
    if not found:
        raise unknown_reference(text, f"it is no file or folder, and no run in {shown_uri()}")
    if len(found) > 1:
        ids = ", ".join(run.run_id[:SHORT_ID] for run in found[:LISTED_RUNS])
        more = f" and {len(found) - LISTED_RUNS} more" if len(found) > LISTED_RUNS else ""
        raise InputError(f"{text!r} names {len(found)} runs: name one by its id, {ids}{more}")
    return found[0]


def _find_model(store: Store, text: str) -> VersionReference | ModelReference:
    try:
        if (parts := VERSION.fullmatch(text)) is None:
            return ModelReference(text, store.models.get(text.removeprefix("models:/")))
        name, alias = parts["name"], parts["alias"]
        if alias is not None:
            return VersionReference(text, store.registry.version_at(name, alias), alias)
        return VersionReference(text, store.registry.version(name, parts["version"]))
    except (NotFoundError, InvalidValueError) as error:
        raise unknown_reference(text, f"it is not in {shown_uri()}: {error.reason}") from error
