"""From what a person names to the lineage behind it: a file, a model, a run, a served model."""

from __future__ import annotations

import json
import tempfile
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.entities import LoggedModel, Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from pydantic import ValidationError

from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage, parse_lineage, read_lineage
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.evaluation.report import Metrics
from tracelate.files import sha256_of
from tracelate.git import commit_subject
from tracelate.lineage.chain import Chain, RunState, VersionState
from tracelate.tracking.log_evaluation import STAGE
from tracelate.tracking.log_model import ARTIFACTS
from tracelate.tracking.log_model import find_model as find_logged_model
from tracelate.tracking.references import LOGGED, find_model, find_unique_run
from tracelate.tracking.run_writer import flatten
from tracelate.tracking.runs import RESTORED_FROM, find_run
from tracelate.tracking.store import (
    StoreError,
    all_experiments,
    all_runs,
    connect,
    has_store,
    tracking_uri,
)

SERVED = ("http://", "https://")
TIMEOUT_S = 10
DEEPEST = 4
"""How many folders above a file may hold its project."""
VERDICT_TAG = "tracelate."
"""What the names of our tags on a version begin with."""


class Found(NamedTuple):
    """Where a lineage was found, before MLflow is asked about it."""

    lineage: Lineage
    root: Path = Path()
    """The project whose files can be verified."""
    packed: Path | None = None
    """The folder of a packed model's files."""
    location: str | None = None
    """A packed model's address in MLflow's artifact store."""
    model_id: str | None = None
    """What MLflow's store knows that model as, whatever its lineage says."""
    run: Run | None = None
    version: ModelVersion | None = None
    served: dict[str, Any] | None = None
    """What a server says of its model."""


class Trace(NamedTuple):
    chain: Chain
    found: Found
    client: MlflowClient | None
    """None where MLflow cannot be reached or has no store here."""
    run: Run | None
    model: LoggedModel | None

    @property
    def lineage(self) -> Lineage:
        return self.chain.lineage


def trace(reference: str) -> Trace:
    """The chain behind `reference`.

    It is a file or folder (a project's, a packed model's), models:/NAME@alias, models:/NAME/3,
    models:/ID, a run by its id or name, or the address of a served model. What is on disk comes
    first.

    Raises InputError where it names none, or what was not evaluated.
    """
    if reference.startswith(SERVED):
        client, found = _client_if_any(), _of_server(reference)
        found = found._replace(version=_served_version(client, found))
    elif Path(reference).exists():
        client, found = _client_if_any(), _of_path(Path(reference))
    else:
        client = connect()
        is_model = reference.startswith("models:")
        found = _of_model(client, reference) if is_model else _of_run(client, reference)
    run = found.run or (None if client is None else run_of(client, found.lineage))
    model = None if client is None else _logged_model(client, found, run)
    chain = Chain(
        reference,
        found.lineage,
        _metrics(client, found, run),
        None if client is None or run is None else _run_state(client, run),
        None if client is None or found.version is None else _version_state(client, found.version),
        _subject(found),
    )
    return Trace(chain, found, client, run, model)


def fetch(client: MlflowClient, run_id: str, path: str, folder: Path) -> Path | None:
    """A file among the run's artifacts, right in `folder`; None where there is none."""
    try:
        fetched = Path(client.download_artifacts(run_id, path, str(folder)))
        # MLflow's stores differ in whether they keep the folders of an artifact's path
        return fetched.replace(folder / fetched.name)
    except (MlflowException, OSError):
        return None


def fetch_packed(location: str, folder: Path, name: str = "") -> Path | None:
    """The packed model that lies at `location`, or that file or folder of it; None where there is
    none.
    """
    address = f"{location.rstrip('/')}/{name}".rstrip("/")
    try:
        return Path(download_artifacts(address, dst_path=str(folder), tracking_uri=tracking_uri()))
    except (MlflowException, OSError):
        return None


def _of_path(path: Path) -> Found:
    folders = [path.absolute(), *path.absolute().parents][: DEEPEST + 1]
    for folder in folders:
        if (folder / layout.LINEAGE).is_file():
            found = Found(read_lineage(folder / layout.LINEAGE), root=folder)
            _refuse_stranger(path, folder, found.lineage)
            return found
        for inner in (folder, folder / ARTIFACTS):
            if (inner / layout.LINEAGE.name).is_file():
                if inner.name == layout.LINEAGE.parent.name:
                    break  # a project's reports: its root comes next
                lineage = read_lineage(inner / layout.LINEAGE.name)
                _refuse_stranger(path, inner, lineage)
                has_weights = (inner / "weights.safetensors").is_file()
                return Found(lineage, packed=inner if has_weights else None)
    raise InputError(
        f"{path} belongs to nothing that has a {layout.LINEAGE.name}: name a file of an evaluated "
        "project or of a packed model; `dvc repro` evaluates"
    )


def _refuse_stranger(path: Path, folder: Path, lineage: Lineage) -> None:
    """Raises InputError for a file that the lineage neither names nor belongs to."""
    if path.is_dir():
        return
    named = {**lineage.files, **lineage.evaluation, layout.LINEAGE.as_posix(): ""}
    names = {Path(name).name for name in named}
    if path.name not in names and sha256_of(path) not in named.values():
        raise InputError(
            f"{path} is no file of the lineage in {folder}: name one of {', '.join(sorted(names))}"
        )


def _of_server(address: str) -> Found:
    url = f"{address.rstrip('/')}/model"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            document = json.load(answer)
        return Found(parse_lineage(document["lineage"], url), served=document)
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{url} names no model ({reason}): start one with `tracelate serve`, or correct the "
            "address"
        ) from error


def _of_model(client: MlflowClient, reference: str) -> Found:
    source = find_model(client, reference)
    version = None
    if source.version is not None:
        version = client.get_model_version(source.name, source.version)
        location = client.get_model_version_download_uri(source.name, source.version)
        if logged := LOGGED.fullmatch(location):
            location = client.get_logged_model(logged["model_id"]).artifact_location
    else:
        location = client.get_logged_model(source.model_id).artifact_location
    with tempfile.TemporaryDirectory(prefix="tracelate-") as folder:
        path = fetch_packed(location, Path(folder), f"{ARTIFACTS}/{layout.LINEAGE.name}")
        if path is None:
            raise InputError(
                f"{reference} has no {layout.LINEAGE.name} at {location}: its files are gone, or "
                "Tracelate did not pack it; `tracelate doctor` lists what is missing"
            )
        lineage = read_lineage(path)
    return Found(lineage, location=location, version=version, model_id=source.model_id)


def _of_run(client: MlflowClient, reference: str) -> Found:
    run = find_unique_run(client, reference)
    with tempfile.TemporaryDirectory(prefix="tracelate-") as folder:
        path = fetch(client, run.info.run_id, f"{STAGE}/{layout.LINEAGE.name}", Path(folder))
        if path is None:
            raise InputError(
                f"run {run.info.run_name} ({run.info.run_id}) has no {STAGE}/{layout.LINEAGE.name}:"
                " it was not evaluated, or its files are gone; `dvc repro` evaluates"
            )
        return Found(read_lineage(path), run=run)


def run_of(client: MlflowClient, lineage: Lineage) -> Run | None:
    """The run that holds the lineage's evaluation, else one that holds its training."""
    training = find_run(client, lineage.training.run_id)
    experiments = [one.experiment_id for one in all_experiments(client)]
    stand_ins = all_runs(
        client, experiments, f"tags.`{RESTORED_FROM}` = '{lineage.training.run_id}'"
    )
    runs = [*([training] if training is not None else []), *reversed(stand_ins)]
    wanted = {name: str(value) for name, value in flatten({"evaluate": lineage.params["evaluate"]})}
    fitting = [run for run in runs if wanted.items() <= run.data.params.items()]
    return next(iter([*fitting, *runs]), None)


def _logged_model(client: MlflowClient, found: Found, run: Run | None) -> LoggedModel | None:
    if found.model_id is not None:
        return client.get_logged_model(found.model_id)
    if run is not None:
        return find_logged_model(client, run.info.experiment_id, found.lineage)
    return None


def _metrics(client: MlflowClient | None, found: Found, run: Run | None) -> Metrics | None:
    """The evaluation's scores: of the project where they are the lineage's, else of the run."""
    wanted = found.lineage.evaluation[layout.METRICS.as_posix()]
    own = found.root / layout.METRICS
    if own.is_file() and sha256_of(own) == wanted:
        return read_metrics(own)
    if client is None or run is None:
        return None
    with tempfile.TemporaryDirectory(prefix="tracelate-") as folder:
        path = fetch(client, run.info.run_id, f"{STAGE}/{layout.METRICS.name}", Path(folder))
        return read_metrics(path) if path is not None and sha256_of(path) == wanted else None


def _run_state(client: MlflowClient, run: Run) -> RunState:
    experiment = client.get_experiment(run.info.experiment_id).name
    return RunState(run.info.run_id, run.info.run_name, run.info.status, experiment)


def _version_state(client: MlflowClient, version: ModelVersion) -> VersionState:
    # the version itself does not always know its aliases
    aliases = client.get_registered_model(version.name).aliases
    return VersionState(
        version.name,
        str(version.version),
        sorted(name for name, number in aliases.items() if str(number) == str(version.version)),
        {name: value for name, value in version.tags.items() if name.startswith(VERDICT_TAG)},
    )


def _served_version(client: MlflowClient | None, found: Found) -> ModelVersion | None:
    served = found.served or {}
    if client is None or not served.get("name") or not served.get("version"):
        return None
    try:
        return client.get_model_version(served["name"], str(served["version"]))
    except MlflowException:
        return None


def _subject(found: Found) -> str | None:
    commit = found.lineage.training.commit
    return None if commit is None else commit_subject(commit, found.root)


def _client_if_any() -> MlflowClient | None:
    """None where there is no store: asking about files makes none."""
    try:
        return connect() if has_store() else None
    except StoreError:
        return None
