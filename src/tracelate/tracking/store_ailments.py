"""What can be wrong in MLflow's store: the dead, the unfinished and the missing."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from mlflow import MlflowClient
from mlflow.artifacts import list_artifacts
from mlflow.entities import LoggedModel, LoggedModelStatus, Run
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException

from tracelate.evaluation import layout
from tracelate.evaluation.lineage import MODEL_FILES
from tracelate.tracking import evaluations, trainings
from tracelate.tracking.ailment import Ailment
from tracelate.tracking.alias_lock import SUFFIX, release, stale_locks
from tracelate.tracking.finding import PAGE, all_experiments, all_runs
from tracelate.tracking.mirrored import TAG
from tracelate.tracking.packaging import ARTIFACTS
from tracelate.tracking.process import HOST, PID, state_of
from tracelate.tracking.registry import LOGGED
from tracelate.tracking.store import tracking_uri

YOUNG_S = 600
"""A model younger than this may be being written now."""
PACKED = {*MODEL_FILES, layout.LINEAGE.name}
EXPECTED = {
    trainings.STAGE: {layout.TRAINING_REPORT.name, *(path.name for path in trainings.CURVES)},
    evaluations.STAGE: {path.name for path in evaluations.FILES},
}
"""The files of each stage among a run's artifacts."""
RESTORE = "restore the artifact store from a backup"


def store_ailments(client: MlflowClient) -> Iterator[Ailment]:
    experiments = [one.experiment_id for one in all_experiments(client)]
    for run in all_runs(client, experiments):
        if run.info.status == "RUNNING":
            yield from _running(client, run)
        yield from _missing_files(client, run)
    for model in _all_models(client, experiments):
        yield from _of_model(client, model)
    for registered in _all_registered(client):
        yield from _of_registered(client, registered)
    for lock in stale_locks(client):
        is_here = lock.host == socket.gethostname()
        yield Ailment(
            f"the lock {lock.entry} was left behind, {lock.describe()}",
            tracking_uri(),
            f"delete the registered model {lock.entry} if that process is gone",
            partial(release, client, lock) if is_here else None,
        )


def _running(client: MlflowClient, run: Run) -> Iterator[Ailment]:
    tags, run_id = run.data.tags, run.info.run_id
    state = state_of(tags)
    if state == "dead":
        yield Ailment(
            f"run {run_id} says RUNNING, but its process {tags[PID]} on this machine is gone",
            tracking_uri(),
            "train again: an unfinished training goes on where it was; --fix marks this one KILLED",
            partial(client.set_terminated, run_id, "KILLED"),
        )
    elif state == "unknown":
        since = datetime.fromtimestamp(run.info.start_time / 1000, UTC)
        yield Ailment(
            f"run {run_id} perhaps died: it has been RUNNING since {since:%Y-%m-%d %H:%M} UTC",
            f"{tracking_uri()}, on {tags.get(HOST, 'an unknown machine')}",
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
        yield Ailment(
            f"model {model.model_id} of run {model.source_run_id} was never finished",
            model.artifact_location,
            "run `tracelate sync` where its files are; --fix marks it FAILED",
            partial(client.finalize_logged_model, model.model_id, LoggedModelStatus.FAILED),
        )
    elif model.status == LoggedModelStatus.READY:
        missing = _missing_packed(model.artifact_location)
        if missing:
            yield Ailment(
                f"model {model.model_id} has lost {', '.join(missing)}",
                model.artifact_location,
                f"{RESTORE}, or delete the model and run `tracelate sync` where its files are",
            )


def _of_registered(client: MlflowClient, registered: RegisteredModel) -> Iterator[Ailment]:
    if registered.name.endswith(SUFFIX):
        return
    versions = list(client.search_model_versions(f"name = '{registered.name}'"))
    for version in versions:
        yield from _of_version(client, version)
    numbers = {str(version.version) for version in versions}
    for alias, number in registered.aliases.items():
        if str(number) not in numbers:
            yield Ailment(
                f"the alias {registered.name}@{alias} points at version {number}, which is gone",
                tracking_uri(),
                "promote another version, or `tracelate rollback`",
            )


def _of_version(client: MlflowClient, version: ModelVersion) -> Iterator[Ailment]:
    title = f"version {version.version} of {version.name}"
    remedy = f"{RESTORE}; promote another version in its place and delete it"
    if logged := LOGGED.fullmatch(version.source or ""):
        try:
            client.get_logged_model(logged["model_id"])
        except MlflowException:
            yield Ailment(
                f"{title} was made from model {logged['model_id']}, which is gone",
                tracking_uri(),
                remedy,
            )
            return
    location = client.get_model_version_download_uri(version.name, version.version)
    if logged := LOGGED.fullmatch(location):
        location = client.get_logged_model(logged["model_id"]).artifact_location
    if missing := _missing_packed(location):
        yield Ailment(f"{title} has lost {', '.join(missing)}", location, remedy)


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
