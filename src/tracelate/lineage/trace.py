"""From what a person names to the lineage behind it: a file, a model, a run, a served model."""

from __future__ import annotations

import json
import tempfile
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage, parse_lineage, read_lineage
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.evaluation.report import Metrics
from tracelate.files import sha256_of
from tracelate.git import commit_subject
from tracelate.lineage.chain import Chain, RunState, VersionState
from tracelate.tracking.address import has_store
from tracelate.tracking.evaluation_contents import STAGE
from tracelate.tracking.failures import ArtifactError, InvalidValueError, NotFoundError, StoreError
from tracelate.tracking.log_model import ARTIFACTS, find_logged_model
from tracelate.tracking.records import StoredModel, StoredRun, StoredVersion
from tracelate.tracking.references import find_model, find_unique_run
from tracelate.tracking.run_writer import flatten
from tracelate.tracking.runs import RESTORED_FROM
from tracelate.tracking.store import Store, connect

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
    run: StoredRun | None = None
    version: StoredVersion | None = None
    served: dict[str, Any] | None = None
    """What a server says of its model."""


class Trace(NamedTuple):
    chain: Chain
    found: Found
    store: Store | None
    """None where MLflow cannot be reached or has no store here."""
    run: StoredRun | None
    model: StoredModel | None

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
        store, found = _store_if_any(), _of_server(reference)
        found = found._replace(version=_served_version(store, found))
    elif Path(reference).exists():
        store, found = _store_if_any(), _of_path(Path(reference))
    else:
        store = connect()
        is_model = reference.startswith("models:")
        found = _of_model(store, reference) if is_model else _of_run(store, reference)
    run = found.run or (None if store is None else run_of(store, found.lineage))
    model = None if store is None else _logged_model(store, found, run)
    chain = Chain(
        reference,
        found.lineage,
        _metrics(store, found, run),
        None if store is None or run is None else _run_state(store, run),
        None if store is None or found.version is None else _version_state(store, found.version),
        _subject(found),
    )
    return Trace(chain, found, store, run, model)


def fetch(store: Store, run_id: str, path: str, folder: Path) -> Path | None:
    """A file among the run's artifacts, right in `folder`; None where there is none."""
    try:
        fetched = store.runs.download_file(run_id, path, folder)
        # MLflow's stores differ in whether they keep the folders of an artifact's path
        return fetched.replace(folder / fetched.name)
    except (ArtifactError, OSError):
        return None


def fetch_packed(store: Store, location: str, folder: Path, name: str = "") -> Path | None:
    """The packed model that lies at `location`, or that file or folder of it; None where there is
    none.
    """
    address = f"{location.rstrip('/')}/{name}".rstrip("/")
    try:
        return store.models.download(address, folder)
    except ArtifactError:
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


def _of_model(store: Store, reference: str) -> Found:
    source = find_model(store, reference)
    version = None
    if source.version is not None:
        version = store.registry.version(source.name, source.version)
        location = store.registry.location(version)
    else:
        location = store.models.get(source.model_id or "").artifact_location
    with tempfile.TemporaryDirectory(prefix="tracelate-") as folder:
        path = fetch_packed(store, location, Path(folder), f"{ARTIFACTS}/{layout.LINEAGE.name}")
        if path is None:
            raise InputError(
                f"{reference} has no {layout.LINEAGE.name} at {location}: its files are gone, or "
                "Tracelate did not pack it; `tracelate doctor` lists what is missing"
            )
        lineage = read_lineage(path)
    return Found(lineage, location=location, version=version, model_id=source.model_id)


def _of_run(store: Store, reference: str) -> Found:
    run = find_unique_run(store, reference)
    with tempfile.TemporaryDirectory(prefix="tracelate-") as folder:
        path = fetch(store, run.run_id, f"{STAGE}/{layout.LINEAGE.name}", Path(folder))
        if path is None:
            raise InputError(
                f"run {run.name} ({run.run_id}) has no {STAGE}/{layout.LINEAGE.name}:"
                " it was not evaluated, or its files are gone; `dvc repro` evaluates"
            )
        return Found(read_lineage(path), run=run)


def run_of(store: Store, lineage: Lineage) -> StoredRun | None:
    """The run that holds the lineage's evaluation, else one that holds its training."""
    training = store.runs.find(lineage.training.run_id)
    experiments = [one.experiment_id for one in store.runs.experiments()]
    stand_ins = store.runs.search(
        experiments, f"tags.`{RESTORED_FROM}` = '{lineage.training.run_id}'"
    )
    runs = [*([training] if training is not None else []), *reversed(stand_ins)]
    wanted = {name: str(value) for name, value in flatten({"evaluate": lineage.params["evaluate"]})}
    fitting = [run for run in runs if wanted.items() <= run.params.items()]
    return next(iter([*fitting, *runs]), None)


def _logged_model(store: Store, found: Found, run: StoredRun | None) -> StoredModel | None:
    if found.model_id is not None:
        return store.models.get(found.model_id)
    if run is not None:
        return find_logged_model(store, run.experiment_id, found.lineage)
    return None


def _metrics(store: Store | None, found: Found, run: StoredRun | None) -> Metrics | None:
    """The evaluation's scores: of the project where they are the lineage's, else of the run."""
    wanted = found.lineage.evaluation[layout.METRICS.as_posix()]
    own = found.root / layout.METRICS
    if own.is_file() and sha256_of(own) == wanted:
        return read_metrics(own)
    if store is None or run is None:
        return None
    with tempfile.TemporaryDirectory(prefix="tracelate-") as folder:
        path = fetch(store, run.run_id, f"{STAGE}/{layout.METRICS.name}", Path(folder))
        return read_metrics(path) if path is not None and sha256_of(path) == wanted else None


def _run_state(store: Store, run: StoredRun) -> RunState:
    experiment = store.runs.experiment_name(run.experiment_id)
    return RunState(run.run_id, run.name, run.status, experiment)


def _version_state(store: Store, version: StoredVersion) -> VersionState:
    # the version itself does not always know its aliases
    registered = store.registry.find(version.name)
    aliases = registered.aliases if registered is not None else {}
    return VersionState(
        version.name,
        version.version,
        sorted(name for name, number in aliases.items() if number == version.version),
        {name: value for name, value in version.tags.items() if name.startswith(VERDICT_TAG)},
    )


def _served_version(store: Store | None, found: Found) -> StoredVersion | None:
    served = found.served or {}
    if store is None or not served.get("name") or not served.get("version"):
        return None
    try:
        return store.registry.version(served["name"], str(served["version"]))
    except (NotFoundError, InvalidValueError):
        return None


def _subject(found: Found) -> str | None:
    commit = found.lineage.training.commit
    return None if commit is None else commit_subject(commit, found.root)


def _store_if_any() -> Store | None:
    """None where there is no store: asking about files makes none."""
    try:
        return connect() if has_store() else None
    except StoreError:
        return None
