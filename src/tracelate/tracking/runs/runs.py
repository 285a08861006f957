"""The run of a training and its evaluation: started, resumed or found in MLflow's store."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mlflow.utils.mlflow_tags import (
    MLFLOW_GIT_COMMIT,
    MLFLOW_RUN_NOTE,
    MLFLOW_SOURCE_NAME,
    MLFLOW_USER,
)

from tracelate.files import sha256_of
from tracelate.git import Commit
from tracelate.tracking.runs.run_owner import process_tags, user_name
from tracelate.tracking.runs.run_writer import RunWriter, flatten
from tracelate.tracking.store.records import StoredRun
from tracelate.tracking.store.store import Store, connect

RESTORED_FROM = "tracelate.restored_from"
"""Tag of a replacement run: the id of the run that it replaces.

A run is replaced if it was deleted, or if it holds an evaluation with other settings or on another
text under the same name of a test set.
"""
NOTED_AS = "tracelate.noted_as"
"""Tag of a run: the id under which it was noted before the store had made it.

A process may be killed after the store has made the run, and before it has noted the run's own id.
"""
DESCRIPTION_TAG = MLFLOW_RUN_NOTE
"""Tag of a run with the description that MLflow's pages show."""
COMMIT_TAG = MLFLOW_GIT_COMMIT
"""Tag of a run with the commit of its code."""


def start_run(
    experiment: str, name: str, tags: Mapping[str, str], noted_id: str | None = None
) -> tuple[RunWriter, bool]:
    """Starts a run that this process writes, or continues the run that was noted.

    `noted_id` is the id of a run, or one that was made up before the run was: a run that is created
    has it as the tag NOTED_AS from the start, and is found by it.

    Returns the run and True if it is new. Raises StoreError if MLflow fails.
    """
    store = connect()
    tags = {**tags, **process_tags()}
    if noted_id is not None and (noted := find_noted(store, noted_id, experiment)) is not None:
        store.runs.restart(noted.run_id)
        store.runs.set_tags(noted.run_id, tags)
        return RunWriter(store, noted.run_id), False
    if noted_id is not None:
        tags[NOTED_AS] = noted_id
    experiment_id = store.runs.find_or_create_experiment(experiment)
    return RunWriter(store, store.runs.create(experiment_id, name, tags)), True


def find_noted(store: Store, noted_id: str, experiment: str) -> StoredRun | None:
    """Returns the run of that id, or else that was noted under it; None if there is neither."""
    if (run := store.runs.find(noted_id)) is not None:
        return run
    experiment_id = store.runs.find_experiment(experiment)
    found = [] if experiment_id is None else _tagged(store, experiment_id, NOTED_AS, noted_id)
    return found[0] if found else None


def attach_run(
    run_id: str,
    experiment: str,
    name: str,
    settings: Mapping[str, Any],
    tags: Mapping[str, str] = MappingProxyType({}),
) -> tuple[RunWriter, bool]:
    """Returns the run to which the files of the training `run_id` belong, and True if it is new.

    It is the training's own run if that exists and holds no other values of `settings`, because
    logged values cannot be changed, and no other values of `tags`. Otherwise it is a
    replacement run with the tag RESTORED_FROM, which is created if there is none yet.

    Raises StoreError if MLflow fails.
    """
    store = connect()
    found = find_attached(store, run_id, experiment, settings, tags)
    if found is not None:
        return RunWriter(store, found.run_id), False
    return start_run(experiment, name, {RESTORED_FROM: run_id})


def find_attached(
    store: Store,
    run_id: str,
    experiment: str,
    settings: Mapping[str, Any],
    tags: Mapping[str, str] = MappingProxyType({}),
) -> StoredRun | None:
    """Returns the run that `attach_run` would return, or None if it would create one."""
    wanted = {name: str(value) for name, value in flatten(settings)}
    own = find_noted(store, run_id, experiment)
    experiment_id = store.runs.find_experiment(experiment)
    replacements = (
        [] if experiment_id is None else _tagged(store, experiment_id, RESTORED_FROM, run_id)
    )
    for run in [*([own] if own is not None else []), *replacements]:
        has_settings = all(run.params.get(name, value) == value for name, value in wanted.items())
        if has_settings and all(run.tags.get(name, value) == value for name, value in tags.items()):
            return run
    return None


def source_tags(commit: Commit) -> dict[str, str]:
    """Returns the tags that name the code of a run."""
    tags = {MLFLOW_SOURCE_NAME: "dvc.yaml", MLFLOW_USER: user_name()}
    if commit.sha is not None:
        tags[COMMIT_TAG] = commit.sha
        tags["git.dirty"] = str(commit.dirty).lower()
    return tags


def dvc_tags() -> dict[str, str]:
    """Returns the tags that name the stage and the experiment that DVC is running."""
    variables = ("DVC_STAGE", "DVC_EXP_NAME", "DVC_EXP_BASELINE_REV")
    return {
        variable.lower().replace("_", ".", 1): os.environ[variable]
        for variable in variables
        if os.environ.get(variable)
    }


def hash_tags(files: Iterable[Path], root: Path = Path()) -> dict[str, str]:
    """Returns a tag `sha256.PATH` for each file, whose path is relative to `root`."""
    return {f"sha256.{path.as_posix()}": sha256_of(root / path) for path in files}


def _tagged(store: Store, experiment_id: str, tag: str, value: str) -> list[StoredRun]:
    """Returns the runs of the experiment with that tag, the oldest first."""
    return store.runs.search([experiment_id], f"tags.`{tag}` = '{value}'")[::-1]
