"""Finding the evaluation that a person means: a run's, a registered model's or a folder's."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from tracelate.errors import InputError
from tracelate.evaluation.results import METRICS, TRANSLATIONS, Evidence, read_evidence
from tracelate.tracking.references import SHORT_ID, find_unique_run
from tracelate.tracking.runs import find_run
from tracelate.tracking.store import connect, reason_of, shown_uri

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
    client = connect()
    if reference.startswith("models:"):
        return download_evidence(client, _run_of_model(client, reference), reference)
    info = find_unique_run(client, reference).info
    return download_evidence(client, info.run_id, f"{info.run_name} ({info.run_id[:SHORT_ID]})")


def download_evidence(client: MlflowClient, run_id: str, name: str) -> Evidence:
    """The evaluation of that run. Raises InputError where it has none."""
    with tempfile.TemporaryDirectory(prefix="tracelate-") as folder:
        for file in (METRICS, TRANSLATIONS):
            try:
                fetched = client.download_artifacts(run_id, f"{ARTIFACTS}/{file}", folder)
            except (MlflowException, OSError) as error:
                raise InputError(
                    f"{name} has no {ARTIFACTS}/{file} in {shown_uri()}: it was not evaluated, "
                    "or its artifacts are gone; `dvc repro` evaluates"
                ) from error
        place = Path(fetched).parent
        try:
            return read_evidence(place, name, run_id)
        except InputError as error:  # the folder is of no use to a reader
            raise InputError(f"{name}: {str(error).replace(f'{place}/', '')}") from error


def _run_of_model(client: MlflowClient, uri: str) -> str:
    parts = MODEL.fullmatch(uri)
    if parts is None:
        raise InputError(f"{uri!r} is no model: write models:/NAME@alias or models:/NAME/3")
    try:
        if parts["alias"]:
            version = client.get_model_version_by_alias(parts["name"], parts["alias"])
        else:
            version = client.get_model_version(parts["name"], parts["version"])
        run_id: str | None = version.run_id
        if not run_id and version.model_id:
            run_id = client.get_logged_model(version.model_id).source_run_id
    except MlflowException as error:
        raise InputError(
            f"{uri} is not in {shown_uri()} ({reason_of(error)}): name a model, alias and version "
            "that are"
        ) from error
    if not run_id or find_run(client, run_id) is None:
        raise InputError(f"{uri} comes from no run that is still there: compare another version")
    return run_id
