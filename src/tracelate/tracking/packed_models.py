"""Which packed model a person means, and its files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from mlflow.models.model import MLMODEL_FILE_NAME

from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage, read_lineage, refuse_changed_files
from tracelate.files import sha256_of
from tracelate.tracking.address import shown_uri
from tracelate.tracking.failures import ArtifactError
from tracelate.tracking.log_model import ARTIFACTS, CODE_TAG, LINEAGE_TAG, code_sha256, pack_model
from tracelate.tracking.references import ModelSource, find_model
from tracelate.tracking.store import Store, connect
from tracelate.training.model_files import WEIGHTS, TrainedModel, load_model


class PackedModel(NamedTuple):
    source: ModelSource
    folder: Path
    lineage: Lineage

    @property
    def artifacts(self) -> Path:
        """The folder of the model's own files."""
        return self.folder / ARTIFACTS


@contextmanager
def packed_model(reference: str) -> Iterator[PackedModel]:
    """The model that `reference` names, its files in a folder that lasts as long as the block.

    It is models:/NAME@alias, models:/NAME/3, models:/ID, runs:/ID, a run by its id or name, a
    folder that MLflow packed, or a project's models folder. What is on disk comes first. An alias
    is looked up once.

    Raises InputError where it names none, or where a file is not the one of its lineage.
    """
    # bars of single files say little to a person
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    with tempfile.TemporaryDirectory(prefix="tracelate-") as temporary:
        path = Path(reference)
        if path.is_dir():
            source = ModelSource(reference, None, None, None, reference)
            folder = _packed_folder(path, Path(temporary) / "model")
        else:
            store = connect()
            source = find_model(store, reference)
            folder = _download(store, source, Path(temporary))
            _refuse_changed_package(store, source, folder)
        lineage = read_lineage(folder / ARTIFACTS / layout.LINEAGE.name)
        refuse_changed_files(
            folder / ARTIFACTS,
            {Path(name).name: sha256 for name, sha256 in lineage.model.items()},
            f"{source.uri}/{ARTIFACTS}",
        )
        if source.run_id is None:
            source = source._replace(run_id=lineage.training.run_id)
        yield PackedModel(source, folder, lineage)


def load_packed(reference: str) -> tuple[TrainedModel, Lineage]:
    """The trained model itself, without MLflow around it. Raises what `packed_model` does."""
    with packed_model(reference) as packed:
        return load_model(packed.artifacts), packed.lineage


def _packed_folder(path: Path, temporary: Path) -> Path:
    """`path` where MLflow packed it; where it is a project's models folder, a package of it."""
    if (path / MLMODEL_FILE_NAME).is_file():
        return path
    if not (path / WEIGHTS).is_file():
        raise InputError(
            f"{path} has neither {MLMODEL_FILE_NAME} nor {WEIGHTS}: name a models folder, a packed "
            "model or models:/NAME@alias"
        )
    root = path.resolve().parent
    lineage = read_lineage(root / layout.LINEAGE)
    refuse_changed_files(root, lineage.model)
    pack_model(temporary, lineage, root)
    return temporary


def _refuse_changed_package(store: Store, source: ModelSource, folder: Path) -> None:
    """MLflow vouches for the lineage, which vouches for the model's files, and for the code."""
    if source.model_id is None:
        return
    tags = store.models.get(source.model_id).tags
    lineage = Path(ARTIFACTS) / layout.LINEAGE.name
    for what, wanted, found in (
        (lineage.as_posix(), tags.get(LINEAGE_TAG), sha256_of(folder / lineage)),
        ("the code", tags.get(CODE_TAG), code_sha256(folder)),
    ):
        if wanted is not None and found != wanted:
            raise InputError(
                f"{what} of {source.uri} has changed: its sha256 is {found}, and MLflow says "
                f"{wanted}; restore it"
            )


def _download(store: Store, source: ModelSource, folder: Path) -> Path:
    try:
        return store.models.download(source.uri, folder)
    except ArtifactError as error:
        raise InputError(
            f"the files of {source.uri} cannot be fetched from {shown_uri()} "
            f"({error.reason}): restore them, or name another version"
        ) from error
