"""Finding the evaluation that a person means: a run's, a registered model's or a folder's."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from tracelate.errors import InputError
from tracelate.evaluation.results import METRICS, TRANSLATIONS, Evidence, read_evidence
from tracelate.tracking.address import shown_uri
from tracelate.tracking.failures import (
    ArtifactError,
    InvalidValueError,
    NotFoundError,
)
from tracelate.tracking.records import StoredRun
from tracelate.tracking.references import SHORT_ID, find_unique_run
from tracelate.tracking.store import Store, connect

ARTIFACTS = "evaluation"
"""The folder among a run's artifacts that an evaluation's files are logged to."""
MODEL = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>[0-9]+))")


def find_evidence(reference: str) -> Evidence:
    """The evaluation that `reference` names.

    It is a folder with metrics.json and translations.jsonl, or one of the two; models:/NAME@alias
    or models:/NAME/3; or a run, by its id, by six or more characters that only its id begins with,
    or by a name that only it has. What is on disk comes first.

    Raises InputError where it names none, or more than one, or one that was not evaluated.
    """
    path = Path(reference)
    if reference and path.exists():
        return read_evidence(path if path.is_dir() else path.parent, reference)
    store = connect()
    run, title = find_evaluated_run(store, reference)
    return download_evidence(store, run.run_id, title)


def find_evaluated_run(store: Store, reference: str) -> tuple[StoredRun, str]:
    """Returns the run that `reference` names, or from which the version that it names was made,
    and a title for messages.

    Raises InputError if there is none, or more than one.
    """
    if reference.startswith("models:"):
        return _run_of_model(store, reference), reference
    run = find_unique_run(store, reference)
    return run, f"{run.name} ({run.run_id[:SHORT_ID]})"


def download_evidence(store: Store, run_id: str, name: str) -> Evidence:
    """The evaluation of that run. Raises InputError where it has none."""
    with tempfile.TemporaryDirectory(prefix="tracelate-") as folder:
        for file in (METRICS, TRANSLATIONS):
            try:
                fetched = store.runs.download_file(run_id, f"{ARTIFACTS}/{file}", Path(folder))
            except ArtifactError as error:
                raise InputError(
                    f"{name} has no {ARTIFACTS}/{file} in {shown_uri()}: it was not evaluated, "
                    "or its artifacts are gone; `dvc repro` evaluates"
                ) from error
        place = fetched.parent
        try:
            return read_evidence(place, name, run_id)
        except InputError as error:  # the folder is of no use to a reader
            raise InputError(f"{name}: {str(error).replace(f'{place}/', '')}") from error


def _run_of_model(store: Store, uri: str) -> StoredRun:
    parts = MODEL.fullmatch(uri)
    if parts is None:
        raise InputError(f"{uri!r} is no model: write models:/NAME@alias or models:/NAME/3")
    try:
        if parts["alias"]:
            version = store.registry.version_at(parts["name"], parts["alias"])
        else:
            version = store.registry.version(parts["name"], parts["version"])
        run_id = version.run_id
        if run_id is None and version.model_id is not None:
            run_id = store.models.get(version.model_id).run_id
    except (NotFoundError, InvalidValueError) as error:
        raise InputError(
            f"{uri} is not in {shown_uri()} ({error.reason}): name a model, alias and version "
            "that are"
        ) from error
    run = None if run_id is None else store.runs.find(run_id)
    if run is None:
        raise InputError(f"{uri} comes from no run that is still there: compare another version")
    return run
