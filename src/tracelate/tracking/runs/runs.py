"""The run of a training and its evaluation: started, resumed or found in MLflow's store."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_SOURCE_NAME, MLFLOW_USER

from tracelate.files import sha256_of
from tracelate.git import Commit
from tracelate.tracking.runs.run_owner import process_tags
from tracelate.tracking.runs.run_writer import RunWriter, flatten
from tracelate.tracking.store.records import StoredRun
from tracelate.tracking.store.store import Store, connect

RESTORED_FROM = "tracelate.restored_from"
"""Tag of a replacement run: the id of the run that it replaces.

A run is replaced if it was deleted, or if it holds an evaluation with other settings or on another
text under the same name of a test set.
"""
COMMIT_TAG = MLFLOW_GIT_COMMIT
"""Tag of a run with the commit of its code."""


def start_run(
    experiment: str, name: str, tags: Mapping[str, str], resumed_run_id: str | None = None
) -> tuple[RunWriter, bool]:
    """Starts a run that this process writes, or continues the run that is resumed.

    Returns the run and True if it is new. Raises StoreError if MLflow fails.
    """
    store = connect()
    tags = {**tags, **process_tags()}
    if resumed_run_id is not None and store.runs.find(resumed_run_id) is not None:
        store.runs.restart(resumed_run_id)
        store.runs.set_tags(resumed_run_id, tags)
        return RunWriter(store, resumed_run_id), False
    experiment_id = store.runs.find_or_create_experiment(experiment)
    return RunWriter(store, store.runs.create(experiment_id, name, tags)), True


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
    own = store.runs.find(run_id)
    experiment_id = store.runs.find_experiment(experiment)
    replacements = [] if experiment_id is None else _replacements(store, experiment_id, run_id)
    for run in [*([own] if own is not None else []), *replacements]:
        has_settings = all(run.params.get(name, value) == value for name, value in wanted.items())
        if has_settings and all(run.tags.get(name, value) == value for name, value in tags.items()):
            return run
    return None


def source_tags(commit: Commit) -> dict[str, str]:
    """Returns the tags that name the code of a run."""
    tags = {MLFLOW_SOURCE_NAME: "dvc.yaml", MLFLOW_USER: os.environ.get("USER", "unknown")}
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


def _replacements(store: Store, experiment_id: str, run_id: str) -> list[StoredRun]:
    """Returns the replacement runs of a run, the oldest first."""
    newest_first = store.runs.search([experiment_id], f"tags.`{RESTORED_FROM}` = '{run_id}'")
    return newest_first[::-1]
