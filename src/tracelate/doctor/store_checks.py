"""What can be wrong in MLflow's store: the dead, the unfinished and the missing."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from mlflow import MlflowClient
from mlflow.artifacts import list_artifacts
from mlflow.entities import LoggedModel, LoggedModelStatus, Run
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException

from tracelate import layout
from tracelate.doctor.problem import Ailment
from tracelate.evaluation.lineage import MODEL_FILES
from tracelate.registry.alias_lock import release, stale_locks
from tracelate.tracking import log_evaluation as evaluations
from tracelate.tracking import log_training as trainings
from tracelate.tracking.log_model import ARTIFACTS
from tracelate.tracking.references import LOGGED, MODEL_TAG, model_id_of
from tracelate.tracking.run_owner import HOST, PID, state_of
from tracelate.tracking.runs import find_run
from tracelate.tracking.store import (
    PAGE,
    all_experiments,
    all_runs,
    reporting_failures,
    shown_uri,
    tracking_uri,
)
from tracelate.tracking.sync_marks import TAG

YOUNG_S = 600
"""A model younger than this may be being written now."""
PACKED = {*MODEL_FILES, layout.LINEAGE.name}
EXPECTED = {
    trainings.STAGE: {layout.TRAINING_REPORT.name, *(path.name for path in trainings.CURVES)},
    evaluations.STAGE: {path.name for path in evaluations.FILES},
}
"""The files of each stage among a run's artifacts."""
PACKAGED = {"training_run_id", "weights_sha256"}
"""Tags of each model that Tracelate has packed."""
TRACELATE = "tracelate."
"""What the names of its other tags begin with."""
RESTORE = "restore the artifact store from a backup"


def store_ailments(client: MlflowClient) -> Iterator[Ailment]:
    """Only of what Tracelate has made: others may use the store too.

    Raises StoreError where MLflow fails.
    """
    with reporting_failures():
        experiments = [one.experiment_id for one in all_experiments(client)]
        for run in all_runs(client, experiments):
            if run.info.status == "RUNNING":
                yield from _running(client, run)
            yield from _missing_files(client, run)
        models = [one for one in _all_models(client, experiments) if one.tags.keys() >= PACKAGED]
        for model in models:
            yield from _of_model(client, model)
        yield from _of_registry(client, models)
        for lock in stale_locks(client):
            yield Ailment(
                f"the lock {lock.entry} was left behind, {lock.describe()}",
                shown_uri(),
                f"delete the registered model {lock.entry} if that process is gone",
                partial(release, client, lock) if lock.state == "dead" else None,
            )


def _running(client: MlflowClient, run: Run) -> Iterator[Ailment]:
    tags, run_id = run.data.tags, run.info.run_id
    state = state_of(tags)
    if state == "dead":
        yield Ailment(
            f"run {run_id} says RUNNING, but its process {tags[PID]} on this machine is gone",
            shown_uri(),
            "train again: an unfinished training goes on where it was; --fix marks this one KILLED",
            partial(client.set_terminated, run_id, "KILLED"),
        )
    elif state == "unknown" and HOST in tags:
        since = _minute(run.info.start_time)
        yield Ailment(
            f"run {run_id} perhaps died: it has been RUNNING since {since}",
            f"{shown_uri()}, on {tags[HOST]}",
            "run `tracelate doctor --fix` on that machine",
            is_certain=False,
        )


def _missing_files(client: MlflowClient, run: Run) -> Iterator[Ailment]:
    for stage, expected in EXPECTED.items():
        if TAG + stage not in run.data.tags:
            continue
        try:
            found = {Path(one.path).name for one in client.list_artifacts(run.info.run_id, stage)}
        except (MlflowException, OSError):
            found = set()
        if missing := sorted(expected - found):
            yield Ailment(
                f"run {run.info.run_id} has lost {stage}/{', '.join(missing)}",
                run.info.artifact_uri,
                f"{RESTORE}, or delete its tag {TAG + stage} and run `tracelate sync` where the "
                "files are",
            )


def _of_model(client: MlflowClient, model: LoggedModel) -> Iterator[Ailment]:
    age_s = time.time() - model.creation_timestamp / 1000
    if model.status == LoggedModelStatus.PENDING and age_s > YOUNG_S:
        yield from _unfinished(client, model)
    elif model.status == LoggedModelStatus.READY:
        missing = _missing_packed(model.artifact_location)
        if missing:
            yield Ailment(
                f"model {model.model_id} has lost {', '.join(missing)}",
                model.artifact_location,
                f"{RESTORE}, or delete the model and run `tracelate sync` where its files are",
            )


def _unfinished(client: MlflowClient, model: LoggedModel) -> Iterator[Ailment]:
    run = find_run(client, model.source_run_id) if model.source_run_id else None
    state = "unknown" if run is None else state_of(run.data.tags)
    if state == "dead":
        yield Ailment(
            f"model {model.model_id} of run {model.source_run_id} was never finished",
            model.artifact_location,
            "run `tracelate sync` where its files are; --fix marks it FAILED",
            partial(client.finalize_logged_model, model.model_id, LoggedModelStatus.FAILED),
        )
    elif state == "unknown":
        since = _minute(model.creation_timestamp)
        yield Ailment(
            f"model {model.model_id} perhaps was never finished: it has been PENDING since {since}",
            model.artifact_location,
            "run `tracelate sync` where its files are, if nothing writes it any more",
            is_certain=False,
        )


def _of_registry(client: MlflowClient, models: list[LoggedModel]) -> Iterator[Ailment]:
    # not by a filter on a name, in which a quote would end it
    versions = list(_all_versions(client))
    ids, locations = {one.model_id for one in models}, {one.artifact_location for one in models}
    ours = [one for one in versions if _is_ours(client, one, ids, locations)]
    for version in ours:
        yield from _of_version(client, version)
    names = {version.name for version in ours}
    points = {(version.name, str(version.version)) for version in versions}
    for registered in _all_registered(client):
        if registered.name in names or any(tag.startswith(TRACELATE) for tag in registered.tags):
            yield from _lost_aliases(registered, points)


def _is_ours(
    client: MlflowClient, version: ModelVersion, ids: Container[str], locations: Container[str]
) -> bool:
    """Whether it was made from one of the models, or is a copy of such a version."""
    if MODEL_TAG in version.tags or model_id_of(version) in ids:
        return True
    location = version.source or ""
    if location.startswith("models:"):
        location = client.get_model_version_download_uri(version.name, version.version)
    return location in locations


def _lost_aliases(
    registered: RegisteredModel, points: Container[tuple[str, str]]
) -> Iterator[Ailment]:
    for alias, number in registered.aliases.items():
        if (registered.name, str(number)) not in points:
            yield Ailment(
                f"the alias {registered.name}@{alias} points at version {number}, which is gone",
                shown_uri(),
                "promote another version, or `tracelate rollback`",
            )


def _of_version(client: MlflowClient, version: ModelVersion) -> Iterator[Ailment]:
    title = f"version {version.version} of {version.name}"
    remedy = f"{RESTORE}; promote another version in its place and delete it"
    model_id = model_id_of(version)
    if model_id is not None and _is_gone(client, model_id):
        yield Ailment(f"{title} was made from model {model_id}, which is gone", shown_uri(), remedy)
        return
    location = client.get_model_version_download_uri(version.name, version.version)
    if logged := LOGGED.fullmatch(location):
        location = client.get_logged_model(logged["model_id"]).artifact_location
    if missing := _missing_packed(location):
        yield Ailment(f"{title} has lost {', '.join(missing)}", location, remedy)


def _is_gone(client: MlflowClient, model_id: str) -> bool:
    try:
        client.get_logged_model(model_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return True
    return False


def _missing_packed(location: str) -> list[str]:
    """The files of a packed model that are not at `location`."""
    try:
        found = list_artifacts(
            artifact_uri=f"{location.rstrip('/')}/{ARTIFACTS}", tracking_uri=tracking_uri()
        )
    except (MlflowException, OSError):
        found = []
    return sorted(PACKED - {Path(one.path).name for one in found})


def _all_models(client: MlflowClient, experiments: list[str]) -> Iterator[LoggedModel]:
    token: str | None = None
    while experiments:
        page = client.search_logged_models(experiments, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _all_registered(client: MlflowClient) -> Iterator[RegisteredModel]:
    token: str | None = None
    while True:
        page = client.search_registered_models(max_results=PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _all_versions(client: MlflowClient) -> Iterator[ModelVersion]:
    token: str | None = None
    while True:
        page = client.search_model_versions(
            max_results=PAGE, order_by=["name ASC", "version_number ASC"], page_token=token
        )
        yield from page
        token = page.token
        if not token:
            return


def _minute(since_ms: int) -> str:
    return f"{datetime.fromtimestamp(since_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
