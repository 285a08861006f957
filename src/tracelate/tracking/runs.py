"""Which run of MLflow's store a training and its evaluation have: started, resumed or found."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_SOURCE_NAME, MLFLOW_USER

from tracelate.files import sha256_of
from tracelate.git import Commit
from tracelate.tracking.run_owner import process_tags
from tracelate.tracking.run_writer import TrackedRun, flatten
from tracelate.tracking.store import connect, find_or_create_experiment, reporting_failures

RESTORED_FROM = "tracelate.restored_from"
"""A tag of a run that stands for another, which is gone or holds an evaluation by other settings.
"""
GONE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""What asking for a run fails with where there is none: of that id, or of an id like that."""


def start_run(
    experiment: str, name: str, tags: Mapping[str, str], resumed_run_id: str | None = None
) -> tuple[TrackedRun, bool]:
    """Starts a run of this process, or takes up the one that is resumed. Says whether it is new.

    Raises InputError where the store cannot be reached.
    """
    client = connect()
    tags = {**tags, **process_tags()}
    if resumed_run_id is not None and find_run(client, resumed_run_id) is not None:
        client.update_run(resumed_run_id, status="RUNNING")
        run = TrackedRun(client, resumed_run_id)
        run.set_tags(tags)
        return run, False
    experiment_id = find_or_create_experiment(client, experiment).experiment_id
    created = client.create_run(experiment_id, tags=tags, run_name=name)
    return TrackedRun(client, created.info.run_id), True


def attach_run(
    run_id: str, experiment: str, name: str, settings: Mapping[str, Any]
) -> tuple[TrackedRun, bool]:
    """The run for files that the training `run_id` made. Says whether the run is new.

    It is the training's own run, where that is there and holds no other values of `settings`,
    which could not be changed; else a run that stands for it, found by its tag
    `tracelate.restored_from`; else a new one with that tag.
    """
    client = connect()
    found = find_attached(client, run_id, experiment, settings)
    if found is not None:
        return TrackedRun(client, found.info.run_id), False
    return start_run(experiment, name, {RESTORED_FROM: run_id})


def find_attached(
    client: MlflowClient, run_id: str, experiment: str, settings: Mapping[str, Any]
) -> Run | None:
    """The run that `attach_run` takes; None where it makes a new one."""
    wanted = {name: str(value) for name, value in flatten(settings)}
    own = find_run(client, run_id)
    home = client.get_experiment_by_name(experiment)
    stand_ins = _stand_ins(client, home.experiment_id, run_id) if home is not None else []
    for run in [*([own] if own is not None else []), *stand_ins]:
        logged = run.data.params
        if all(logged.get(name, value) == value for name, value in wanted.items()):
            return run
    return None


def find_run(client: MlflowClient, run_id: str) -> Run | None:
    """The run, or None where it is missing or deleted.

    Raises StoreError where the store does not say: a run taken for gone would be started twice.
    """
    with reporting_failures():
        try:
            run = client.get_run(run_id)
        except MlflowException as error:
            if error.error_code in GONE:
                return None
            raise
    return run if run.info.lifecycle_stage == "active" else None


def source_tags(commit: Commit) -> dict[str, str]:
    """Which code a run comes from."""
    tags = {MLFLOW_SOURCE_NAME: "dvc.yaml", MLFLOW_USER: os.environ.get("USER", "unknown")}
    if commit.sha is not None:
        tags[MLFLOW_GIT_COMMIT] = commit.sha
        tags["git.dirty"] = str(commit.dirty).lower()
    return tags


def dvc_tags() -> dict[str, str]:
    """The stage and the experiment that DVC is running now."""
    variables = ("DVC_STAGE", "DVC_EXP_NAME", "DVC_EXP_BASELINE_REV")
    return {
        variable.lower().replace("_", ".", 1): os.environ[variable]
        for variable in variables
        if os.environ.get(variable)
    }


def hash_tags(files: Iterable[Path], root: Path = Path()) -> dict[str, str]:
    """The sha256 of each file under a name of its own."""
    return {f"sha256.{path.as_posix()}": sha256_of(root / path) for path in files}


def _stand_ins(client: MlflowClient, experiment_id: str, run_id: str) -> list[Run]:
    found = client.search_runs(
        [experiment_id],
        f"tags.`{RESTORED_FROM}` = '{run_id}'",
        order_by=["attributes.start_time ASC"],
    )
    return list(found)
