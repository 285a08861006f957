"""Problems in MLflow's store: dead processes, unfinished models, missing files and versions."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from tracelate import layout
from tracelate.doctor.alias_checks import alias_problems
from tracelate.doctor.file_lists import FileLists
from tracelate.doctor.problem import Problem
from tracelate.evaluation.lineage import MODEL_FILES
from tracelate.registry.alias_lock import release, stale_locks
from tracelate.tracking.packages.package_files import ARTIFACTS_FOLDER
from tracelate.tracking.runs import evaluation_contents as evaluations
from tracelate.tracking.runs import log_training as trainings
from tracelate.tracking.runs.run_owner import HOST, PID, state_of
from tracelate.tracking.runs.sync_marks import SYNC_TAG
from tracelate.tracking.store.address import shown_uri
from tracelate.tracking.store.records import (
    MODEL_ID_TAG,
    StoredModel,
    StoredRun,
    StoredVersion,
)
from tracelate.tracking.store.store import Store

MIN_AGE_S = 600
"""A model younger than this may still be being written."""
PACKED_FILES = {*MODEL_FILES, layout.LINEAGE.name}
STAGE_FILES = {
    trainings.STAGE: {layout.TRAINING_REPORT.name, *(path.name for path in trainings.CURVE_FILES)},
    evaluations.STAGE: {path.name for path in layout.EVALUATION_FILES},
}
"""From a stage to the names of its files among a run's artifacts."""
MODEL_TAGS = {"training_run_id", "weights_sha256"}
"""Tags of each model that Tracelate has logged."""
TAG_PREFIX = "tracelate."
"""Beginning of the names of other tags that Tracelate sets."""
RESTORE = "restore the artifact store from a backup"


def store_problems(store: Store) -> Iterator[Problem]:
    """Yields the problems of the entries that Tracelate has made; others may use the store too.

    Raises StoreError if MLflow fails.
    """
    experiments = [one.experiment_id for one in store.runs.experiments()]
    runs = store.runs.search(experiments)
    all_models = {one.model_id: one for one in store.models.search(experiments)}
    models = [one for one in all_models.values() if one.tags.keys() >= MODEL_TAGS]
    needed = [_stage_folder(run, stage) for run in runs for stage in _synced_stages(run)]
    needed += [_packed_folder(one.artifact_location) for one in models if one.status == "READY"]
    files = FileLists(store, needed)
    for run in runs:
        if run.status == "RUNNING":
            yield from _dead_run(store, run)
        yield from _missing_run_files(files, run)
    for model in models:
        yield from _model_problems(store, files, model)
    yield from _registry_problems(store, files, models, all_models)
    for lock in stale_locks(store):
        yield Problem(
            f"the lock {lock.entry} was not released: {lock.describe()}",
            shown_uri(),
            f"delete the registered model {lock.entry} if that process is gone",
            partial(release, store, lock) if lock.state == "dead" else None,
        )


def _dead_run(store: Store, run: StoredRun) -> Iterator[Problem]:
    state = state_of(run.tags)
    if state == "dead":
        yield Problem(
            f"run {run.run_id} has status RUNNING, but its process {run.tags[PID]} on this machine "
            "is gone",
            shown_uri(),
            "train again: an unfinished training resumes; --fix sets this run's status to KILLED",
            partial(_end_dead_run, store, run.run_id),
        )
    elif state == "unknown" and HOST in run.tags:
        yield Problem(
            f"the process of run {run.run_id} may be gone: the run's status has been RUNNING since "
            f"{_minute(run.started_ms)}",
            f"{shown_uri()}, on {run.tags[HOST]}",
            "run `tracelate doctor --fix` on that machine",
            is_certain=False,
        )


def _end_dead_run(store: Store, run_id: str) -> bool:
    """Sets the run's status to KILLED; returns False if it has ended or was resumed meanwhile."""
    run = store.runs.find(run_id)
    if run is None or run.status != "RUNNING" or state_of(run.tags) != "dead":
        return False
    store.runs.end(run_id, "KILLED")
    return True


def _synced_stages(run: StoredRun) -> list[str]:
    return [stage for stage in STAGE_FILES if SYNC_TAG + stage in run.tags]


def _stage_folder(run: StoredRun, stage: str) -> str:
    return f"{run.artifact_uri.rstrip('/')}/{stage}"


def _packed_folder(location: str) -> str:
    """Returns the address of the folder with the own files of the packed model at `location`."""
    return f"{location.rstrip('/')}/{ARTIFACTS_FOLDER}"


def _missing_run_files(files: FileLists, run: StoredRun) -> Iterator[Problem]:
    for stage in _synced_stages(run):
        tag = SYNC_TAG + stage
        if missing := sorted(STAGE_FILES[stage] - files[_stage_folder(run, stage)]):
            yield Problem(
                f"run {run.run_id} has lost {stage}/{', '.join(missing)}",
                run.artifact_uri,
                f"{RESTORE}, or delete its tag {tag} and run `tracelate sync` in the folder that "
                "has the files",
            )


def _model_problems(store: Store, files: FileLists, model: StoredModel) -> Iterator[Problem]:
    age_s = time.time() - model.created_ms / 1000
    if model.status == "PENDING" and age_s > MIN_AGE_S:
        yield from _unfinished_model(store, model)
    elif model.status == "READY":
        missing = _missing_packed_files(files, model.artifact_location)
        if missing:
            yield Problem(
                f"model {model.model_id} has lost {', '.join(missing)}",
                model.artifact_location,
                f"{RESTORE}, or delete the model and run `tracelate sync` in the folder that has "
                "its files",
            )


def _unfinished_model(store: Store, model: StoredModel) -> Iterator[Problem]:
    run = store.runs.find(model.run_id) if model.run_id is not None else None
    state = "unknown" if run is None else state_of(run.tags)
    if state == "dead":
        yield Problem(
            f"model {model.model_id} of run {model.run_id} was never completed",
            model.artifact_location,
            "run `tracelate sync` in the folder that has its files; --fix sets the model's status "
            "to FAILED",
            partial(_fail_unfinished_model, store, model.model_id),
        )
    elif state == "unknown":
        yield Problem(
            f"model {model.model_id} may be incomplete: its status has been PENDING since "
            f"{_minute(model.created_ms)}",
            model.artifact_location,
            "run `tracelate sync` in the folder that has its files, if no process writes it",
            is_certain=False,
        )


def _fail_unfinished_model(store: Store, model_id: str) -> bool:
    """Sets the model's status to FAILED; returns False if a process completes it or has done so."""
    model = store.models.find(model_id)
    if model is None or model.status != "PENDING" or model.run_id is None:
        return False
    run = store.runs.find(model.run_id)
    if run is None or state_of(run.tags) != "dead":
        return False
    store.models.fail(model_id)
    return True


def _registry_problems(
    store: Store,
    files: FileLists,
    models: Sequence[StoredModel],
    all_models: Mapping[str, StoredModel],
) -> Iterator[Problem]:
    # all versions: a name with a quote cannot be written in MLflow's filter
    versions = store.registry.versions()
    ids, locations = {one.model_id for one in models}, {one.artifact_location for one in models}
    ours = [one for one in versions if _is_ours(store, one, ids, locations)]
    for version in ours:
        yield from _version_problems(store, files, version, all_models)
    names = {version.name for version in ours}
    existing = {(version.name, version.version) for version in versions}
    for registered in store.registry.search():
        if registered.name in names or any(tag.startswith(TAG_PREFIX) for tag in registered.tags):
            yield from alias_problems(store, registered, ours, existing)


def _is_ours(
    store: Store, version: StoredVersion, ids: Container[str], locations: Container[str]
) -> bool:
    """Returns True if the version was made from one of the models, or copies such a version."""
    if MODEL_ID_TAG in version.tags or version.model_id in ids:
        return True
    location = version.source
    if location.startswith("models:"):
        location = store.registry.location(version)
    return location in locations


def _version_problems(
    store: Store, files: FileLists, version: StoredVersion, models: Mapping[str, StoredModel]
) -> Iterator[Problem]:
    """Asks the store about a version alone only if it was not made from one of the models."""
    title = f"version {version.version} of {version.name}"
    remedy = f"{RESTORE}, or promote another version in its place and delete it"
    model_id = version.model_id
    model = models.get(model_id or "")
    if model_id is not None and model is None and store.models.find(model_id) is None:
        yield Problem(f"{title} was made from model {model_id}, which is gone", shown_uri(), remedy)
        return
    if model is not None and version.source == f"models:/{model.model_id}":
        location = model.artifact_location
    else:
        location = store.registry.location(version)
    if missing := _missing_packed_files(files, location):
        yield Problem(f"{title} has lost {', '.join(missing)}", location, remedy)


def _missing_packed_files(files: FileLists, location: str) -> list[str]:
    """Returns the names of the packed model's files that are not at `location`."""
    return sorted(PACKED_FILES - files[_packed_folder(location)])


def _minute(since_ms: int) -> str:
    return f"{datetime.fromtimestamp(since_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
