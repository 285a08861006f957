"""From a reference to the files of a packed model."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage, read_lineage, refuse_changed_files
from tracelate.files import sha256_of
from tracelate.signing.trust import Trust, read_trust
from tracelate.tracking.packages.package_files import (
    ARTIFACTS_FOLDER,
    MODEL_FILE,
    code_sha256,
    unexpected_files,
)
from tracelate.tracking.references.local_references import needs_signature
from tracelate.tracking.references.reference_runs import shown_run
from tracelate.tracking.references.references import (
    FilesReference,
    ModelReference,
    PackageReference,
    ProjectReference,
    Reference,
    RunReference,
    StoredReference,
    VersionReference,
)
from tracelate.tracking.references.signatures import SignatureState, check_signature
from tracelate.tracking.runs.log_model import CODE_TAG, LINEAGE_TAG, pack_model
from tracelate.tracking.store.address import shown_uri
from tracelate.tracking.store.failures import ArtifactError
from tracelate.tracking.store.records import StoredModel, StoredVersion
from tracelate.tracking.store.store import Store, connect


class ModelSource(NamedTuple):
    """The origin of a packed model, and its entry in MLflow."""

    name: str
    """Name of the registered model, else of the logged model, else the reference to a folder."""
    version: str | None
    run_id: str | None
    model_id: str | None
    """Id of the logged model; None for a folder."""
    uri: str
    """Address of the package in MLflow, or the reference to a folder."""

    @property
    def title(self) -> str:
        """The name, with the version if there is one."""
        return self.name if self.version is None else f"{self.name}/{self.version}"


class PackedModel(NamedTuple):
    """A packed model whose files were checked."""

    source: ModelSource
    folder: Path
    lineage: Lineage
    signature: SignatureState

    @property
    def artifacts(self) -> Path:
        """Folder of the model's own files."""
        return self.folder / ARTIFACTS_FOLDER


@contextmanager
def packed_model(reference: Reference, trust: Trust | None = None) -> Iterator[PackedModel]:
    """Provides the packed model that a reference names, in a folder that lasts for the block.

    The model of a project is packed there. The model of a run is the one that was logged last.
    `trust` has the keys that must have signed the model; by default, those of params.yaml.

    Raises InputError if there is no model, if a file is not the one that the lineage names, or if
    the model has to be signed and is not; and StoreError if MLflow fails.
    """
    trust = read_trust() if trust is None else trust
    with tempfile.TemporaryDirectory(prefix="tracelate-") as temporary:
        match reference:
            case ProjectReference() | PackageReference() | FilesReference():
                source = ModelSource(reference.text, None, None, None, reference.text)
                copied = needs_signature(reference, trust)
                folder = _local_package(reference, Path(temporary) / "model", copied)
                # before anything of the package is read
                signature = check_signature(reference, folder, trust, source.title)
            case VersionReference() | ModelReference() | RunReference():
                store = connect()
                source = stored_source(store, reference)
                folder = _download(store, source, Path(temporary))
                signature = check_signature(reference, folder, trust, source.title)
                _refuse_changed_package(store, source, folder)
        lineage = read_lineage(folder / ARTIFACTS_FOLDER / layout.LINEAGE.name)
        refuse_changed_files(
            folder / ARTIFACTS_FOLDER,
            {Path(name).name: sha256 for name, sha256 in lineage.model.items()},
            f"{source.uri}/{ARTIFACTS_FOLDER}",
        )
        if source.run_id is None:
            source = source._replace(run_id=lineage.training.run_id)
        yield PackedModel(source, folder, lineage, signature)


def stored_source(store: Store, reference: StoredReference) -> ModelSource:
    """Returns the model in MLflow that a reference names; of a run, the one logged last.

    Raises InputError if the run has no model.
    """
    match reference:
        case VersionReference():
            return _version_source(reference.version)
        case ModelReference():
            return _model_source(reference.model)
        case RunReference(run=run):
            if not run.model_ids:
                raise InputError(
                    f"run {shown_run(run)} has no model: name a run that was evaluated; "
                    "`tracelate sync` writes what MLflow lacks"
                )
            return _model_source(store.models.get(run.model_ids[-1]))


def _version_source(version: StoredVersion) -> ModelSource:
    uri = f"models:/{version.name}/{version.version}"
    return ModelSource(version.name, version.version, version.run_id, version.model_id, uri)


def _model_source(model: StoredModel) -> ModelSource:
    return ModelSource(model.name, None, model.run_id, model.model_id, f"models:/{model.model_id}")


def _local_package(
    reference: ProjectReference | PackageReference | FilesReference, temporary: Path, copied: bool
) -> Path:
    """Returns the folder of the package; the model of a project is packed into `temporary`.

    With `copied`, a package is copied there, so that what is checked is what is read later.
    """
    match reference:
        case PackageReference(folder=folder) if copied:
            return Path(shutil.copytree(folder, temporary, symlinks=True))
        case PackageReference():
            return reference.folder
        case ProjectReference(root=root):
            lineage = read_lineage(root / layout.LINEAGE)
            refuse_changed_files(root, lineage.model)
            pack_model(temporary, lineage, root)
            return temporary
        case FilesReference(folder=folder):
            raise InputError(
                f"{folder} is no packed model, because it has no {MODEL_FILE}: name its project's "
                "folder, the folder of the whole package, or the model in MLflow"
            )


def _refuse_changed_package(store: Store, source: ModelSource, folder: Path) -> None:
    """Raises InputError if the lineage or the code is not what the logged model's tags name.

    A missing tag and a file that no packed model has are refused too.
    """
    if source.model_id is None:
        return
    tags = store.models.get(source.model_id).tags
    lineage = Path(ARTIFACTS_FOLDER) / layout.LINEAGE.name
    for what, wanted, found in (
        (lineage.as_posix(), tags.get(LINEAGE_TAG), sha256_of(folder / lineage)),
        ("the code", tags.get(CODE_TAG), code_sha256(folder)),
    ):
        if wanted is None:
            raise InputError(
                f"{what} of {source.uri} cannot be checked: model {source.model_id} in "
                f"{shown_uri()} has lost the tag with its sha256; restore the tag"
            )
        if found != wanted:
            raise InputError(
                f"{what} of {source.uri} has changed: its sha256 is {found}, but MLflow has "
                f"{wanted}; restore it"
            )
    if unexpected := unexpected_files(folder):
        raise InputError(f"{source.uri} has a file that was not packed, {unexpected[0]}: remove it")


def _download(store: Store, source: ModelSource, folder: Path) -> Path:
    try:
        return store.models.download(source.uri, folder)
    except ArtifactError as error:
        raise InputError(
            f"the files of {source.uri} cannot be downloaded from {shown_uri()} "
            f"({error.reason}): restore them, or name another version"
        ) from error
