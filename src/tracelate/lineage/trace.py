"""From a reference to the chain of lineage, scores, run and version behind it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from tracelate import layout
from tracelate.evaluation.lineage import Lineage
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.evaluation.report import Metrics
from tracelate.files import sha256_of
from tracelate.git import commit_subject
from tracelate.lineage.chain import Chain, RunState, VersionState
from tracelate.lineage.found import (
    Found,
    download_run_file,
    find_local_lineage,
    find_served_lineage,
    find_stored_lineage,
)
from tracelate.tracking.references.reference_runs import run_of_lineage
from tracelate.tracking.references.references import (
    FilesReference,
    PackageReference,
    ProjectReference,
    Reference,
    ServedReference,
)
from tracelate.tracking.runs.evaluation_contents import STAGE
from tracelate.tracking.runs.log_model import find_logged_model
from tracelate.tracking.store.address import has_store
from tracelate.tracking.store.failures import StoreError
from tracelate.tracking.store.records import StoredModel, StoredRun, StoredVersion
from tracelate.tracking.store.store import Store, connect

OWN_TAGS = "tracelate."
"""Beginning of the names of the tags that Tracelate sets on a version."""


class Trace(NamedTuple):
    """A chain, and the places where its files, tags and params can be checked."""

    chain: Chain
    found: Found
    store: Store | None
    """None if MLflow cannot be reached or the project has no store."""
    run: StoredRun | None
    model: StoredModel | None

    @property
    def lineage(self) -> Lineage:
        """The lineage of the chain."""
        return self.chain.lineage


def trace(reference: Reference | ServedReference) -> Trace:
    """Returns the chain behind a reference.

    Raises InputError if it leads to no lineage, and StoreError if MLflow fails. MLflow is not
    needed for local files and served models.
    """
    match reference:
        case ProjectReference() | PackageReference() | FilesReference():
            store, found = _store_if_any(), find_local_lineage(reference)
        case ServedReference():
            store = _store_if_any()
            found = find_served_lineage(reference, store)
        case _:
            store = connect()
            found = find_stored_lineage(store, reference)
    run = found.run or (None if store is None else run_of_lineage(store, found.lineage))
    model = None if store is None else _logged_model(store, found, run)
    chain = Chain(
        reference.text,
        found.lineage,
        _metrics(store, found, run),
        None if store is None or run is None else _run_state(store, run),
        None if store is None or found.version is None else _version_state(store, found.version),
        _commit_subject(found),
    )
    return Trace(chain, found, store, run, model)


def _logged_model(store: Store, found: Found, run: StoredRun | None) -> StoredModel | None:
    if found.model_id is not None:
        return store.models.get(found.model_id)
    if run is not None:
        return find_logged_model(store, run.experiment_id, found.lineage)
    return None


def _metrics(store: Store | None, found: Found, run: StoredRun | None) -> Metrics | None:
    """Returns the scores that the lineage names, from the project or from the run."""
    wanted = found.lineage.evaluation[layout.METRICS.as_posix()]
    own = found.root / layout.METRICS
    if own.is_file() and sha256_of(own) == wanted:
        return read_metrics(own)
    if store is None or run is None:
        return None
    with tempfile.TemporaryDirectory(prefix="tracelate-") as folder:
        name = f"{STAGE}/{layout.METRICS.name}"
        path = download_run_file(store, run.run_id, name, Path(folder))
        return read_metrics(path) if path is not None and sha256_of(path) == wanted else None


def _run_state(store: Store, run: StoredRun) -> RunState:
    experiment = store.runs.experiment_name(run.experiment_id)
    return RunState(run.run_id, run.name, run.status, experiment)


def _version_state(store: Store, version: StoredVersion) -> VersionState:
    # MLflow's version does not always contain its aliases
    registered = store.registry.find(version.name)
    aliases = registered.aliases if registered is not None else {}
    return VersionState(
        version.name,
        version.version,
        sorted(name for name, number in aliases.items() if number == version.version),
        {name: value for name, value in version.tags.items() if name.startswith(OWN_TAGS)},
    )


def _commit_subject(found: Found) -> str | None:
    commit = found.lineage.training.commit
    return None if commit is None else commit_subject(commit, found.root)


def _store_if_any() -> Store | None:
    """Returns None if the project has no store, because `connect` would create one."""
    try:
        return connect() if has_store() else None
    except StoreError:
        return None
