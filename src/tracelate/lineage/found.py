"""From a reference to the lineage that it leads to, and the place where the lineage was found."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage, parse_lineage, read_lineage
from tracelate.files import sha256_of
from tracelate.lineage.served import read_model_document
from tracelate.tracking.packages.package_files import ARTIFACTS_FOLDER
from tracelate.tracking.references.local_references import read_local_lineage
from tracelate.tracking.references.reference_runs import shown_run
from tracelate.tracking.references.references import (
    FilesReference,
    LocalReference,
    ModelReference,
    PackageReference,
    ProjectReference,
    RunReference,
    ServedReference,
    StoredReference,
    VersionReference,
)
from tracelate.tracking.runs.evaluation_contents import STAGE
from tracelate.tracking.store.failures import ArtifactError, InvalidValueError, NotFoundError
from tracelate.tracking.store.records import StoredRun, StoredVersion
from tracelate.tracking.store.store import Store
from tracelate.training.model_files import WEIGHTS


class Found(NamedTuple):
    """A lineage and the place where it was found."""

    lineage: Lineage
    root: Path = Path()
    """Folder of the project whose files are checked against the lineage."""
    packed: Path | None = None
    """Local folder of a packed model's own files."""
    location: str | None = None
    """Address of a packed model in MLflow's artifact store."""
    model_id: str | None = None
    """Id of that model in MLflow, which the lineage does not contain."""
    run: StoredRun | None = None
    version: StoredVersion | None = None
    served: dict[str, Any] | None = None
    """The answer of a server to GET /model."""


def find_local_lineage(reference: LocalReference) -> Found:
    """Reads the lineage of a project, of a packed model, or of a folder that contains one.

    Raises InputError if it is missing or damaged, or if the reference is a file outside a packed
    model that it does not name.
    """
    lineage = read_local_lineage(reference)
    if not isinstance(reference, PackageReference):
        _refuse_unknown_file(reference.path, lineage)
    match reference:
        case ProjectReference():
            return Found(lineage, root=reference.root)
        case PackageReference():
            return Found(lineage, packed=reference.artifacts)
        case FilesReference(folder=folder):
            has_model = (folder / WEIGHTS).is_file()
            return Found(lineage, packed=folder if has_model else None)


def find_stored_lineage(store: Store, reference: StoredReference) -> Found:
    """Downloads the lineage of a run, a logged model or a version.

    Raises InputError if it is missing or damaged.
    """
    match reference:
        case RunReference(run=run):
            return Found(run_lineage(store, run), run=run)
        case ModelReference(text=text, model=model):
            location = model.artifact_location
            lineage = _packed_lineage(store, location, text)
            return Found(lineage, location=location, model_id=model.model_id)
        case VersionReference(text=text, version=version):
            location = store.registry.location(version)
            lineage = _packed_lineage(store, location, text)
            return Found(lineage, location=location, version=version, model_id=version.model_id)


def find_served_lineage(reference: ServedReference, store: Store | None) -> Found:
    """Asks a server for the lineage of its model.

    Raises InputError if the server cannot be reached or does not serve a model of Tracelate.
    """
    document = read_model_document(reference.text)
    place = f"the lineage of {reference.text}"
    if "lineage" not in document:
        raise InputError(f"{place} is missing: name the address of a `tracelate serve`")
    lineage = parse_lineage(document["lineage"], place)
    return Found(lineage, version=_served_version(store, document), served=document)


def download_run_file(store: Store, run_id: str, path: str, folder: Path) -> Path | None:
    """Copies an artifact of the run right into `folder`; returns None if it cannot be read."""
    try:
        copied = store.runs.download_file(run_id, path, folder)
        # MLflow's artifact stores differ in whether they keep the folders of an artifact's path
        return copied.replace(folder / copied.name)
    except (ArtifactError, OSError):
        return None


def download_packed(store: Store, location: str, folder: Path, name: str = "") -> Path | None:
    """Copies the packed model at `location`, or one file of it; returns None if it cannot be read.

    The copy lies in `folder`.
    """
    try:
        return store.models.download(f"{location.rstrip('/')}/{name}".rstrip("/"), folder)
    except ArtifactError:
        return None


def _refuse_unknown_file(path: Path, lineage: Lineage) -> None:
    if path.is_dir():
        return
    made_by_stages = dict.fromkeys((layout.LINEAGE.as_posix(), layout.RUN.as_posix()), "")
    named = {**lineage.files, **lineage.evaluation, **lineage.test_set_files, **made_by_stages}
    names = {Path(name).name for name in named}
    if path.name not in names and sha256_of(path) not in named.values():
        raise InputError(
            f"{path} is not a file that its lineage names: name one of {', '.join(sorted(names))}"
        )


def run_lineage(store: Store, run: StoredRun) -> Lineage:
    with tempfile.TemporaryDirectory(prefix="tracelate-") as folder:
        name = f"{STAGE}/{layout.LINEAGE.name}"
        path = download_run_file(store, run.run_id, name, Path(folder))
        if path is None:
            raise InputError(
                f"run {shown_run(run)} has no {name}: it was not evaluated, or its files are gone; "
                "run `dvc repro`, which evaluates"
            )
        return read_lineage(path)


def _packed_lineage(store: Store, location: str, text: str) -> Lineage:
    with tempfile.TemporaryDirectory(prefix="tracelate-") as folder:
        name = f"{ARTIFACTS_FOLDER}/{layout.LINEAGE.name}"
        path = download_packed(store, location, Path(folder), name)
        if path is None:
            raise InputError(
                f"{text} has no {layout.LINEAGE.name} at {location}: its files are gone, or "
                "another program logged it; `tracelate doctor` lists what is missing"
            )
        return read_lineage(path)


def _served_version(store: Store | None, document: dict[str, Any]) -> StoredVersion | None:
    name, version = document.get("name"), document.get("version")
    if store is None or not name or not version:
        return None
    try:
        return store.registry.version(str(name), str(version))
    except (NotFoundError, InvalidValueError):
        return None
