"""From a reference to a trained model in memory, with the settings to translate with.

Local files are read without MLflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tracelate import layout
from tracelate.config import load_params
from tracelate.errors import InputError
from tracelate.evaluation.lineage import (
    MODEL_FILES,
    Lineage,
    read_lineage,
    refuse_changed_files,
)
from tracelate.files import sha256_of
from tracelate.signing.receipt import ReceiptModel, describe_model
from tracelate.signing.trust import Trust, read_trust
from tracelate.tracking.references.local_references import (
    changed_model_files,
    enclosing_params,
    needs_signature,
)
from tracelate.tracking.references.references import (
    FilesReference,
    PackageReference,
    ProjectReference,
    Reference,
    StoredReference,
)
from tracelate.training.model_files import TrainedModel, load_model
from tracelate.yaml_file import read_yaml


class SearchSettings(NamedTuple):
    """The settings in the section `evaluate` of the params that translating uses."""

    beam_size: int
    length_penalty: float
    batch_sentences: int


DEFAULT_SETTINGS = SearchSettings(beam_size=5, length_penalty=1.0, batch_sentences=128)
"""For a model that has neither a lineage nor a project."""


class LoadedModel(NamedTuple):
    """A trained model and the settings to translate with."""

    trained: TrainedModel
    settings: SearchSettings
    sha256_by_name: Mapping[str, str]
    """Hashes of the model's files."""
    receipt: ReceiptModel | None
    """The model's entry in receipts; None for a model without a lineage of its own."""
    lineage: Lineage | None = None
    """None for a model without a lineage of its own."""


def load_trained(reference: Reference, trust: Trust | None = None) -> LoadedModel:
    """Loads the model that a reference names.

    The settings are those of the evaluation in the model's lineage. Without a lineage of this model
    they are those of params.yaml in the model's project, or DEFAULT_SETTINGS if there is none.
    `trust` has the keys that must have signed the model; by default, those of params.yaml.

    Raises InputError if there is no model, if a file is damaged or has changed, or if the model has
    to be signed and is not; and StoreError if MLflow fails.
    """
    trust = read_trust() if trust is None else trust
    if isinstance(reference, StoredReference) or needs_signature(reference, trust):
        # imported here, because MLflow takes seconds, and local files do not need it
        from tracelate.tracking.references.packed_models import packed_model

        with packed_model(reference, trust) as packed:
            return _load_with_lineage(packed.artifacts, packed.source.title)
    match reference:
        case ProjectReference(root=root):
            return _load_project(reference.text, root)
        case PackageReference():
            return _load_with_lineage(reference.artifacts, reference.text)
        case FilesReference(folder=folder) if (folder / layout.LINEAGE.name).is_file():
            return _load_with_lineage(folder, reference.text)
        case FilesReference(folder=folder):
            return LoadedModel(load_model(folder), _params_settings(folder), _hashes(folder), None)


def _load_with_lineage(folder: Path, title: str) -> LoadedModel:
    path = folder / layout.LINEAGE.name
    lineage = read_lineage(path)
    hashes = {Path(name).name: sha256 for name, sha256 in lineage.model.items()}
    refuse_changed_files(folder, hashes)
    settings = _settings(lineage.params["evaluate"])
    return LoadedModel(load_model(folder), settings, hashes, describe_model(title, path), lineage)


def _load_project(title: str, root: Path) -> LoadedModel:
    folder = root / layout.MODELS
    trained, hashes = load_model(folder), _hashes(folder)
    path = root / layout.LINEAGE
    lineage = read_lineage(path) if path.is_file() else None
    if lineage is None or changed_model_files(root, lineage):
        return LoadedModel(trained, _params_settings(root), hashes, None)
    settings = _settings(lineage.params["evaluate"])
    return LoadedModel(trained, settings, hashes, describe_model(title, path), lineage)


def _params_settings(folder: Path) -> SearchSettings:
    """Returns the settings of params.yaml in the folder or above, or DEFAULT_SETTINGS.

    A params.yaml without a section `evaluate` belongs to another program.
    """
    path = enclosing_params(folder)
    if path is None or not _has_evaluate_section(path):
        return DEFAULT_SETTINGS
    return _settings(load_params(path).evaluate.model_dump())


def _has_evaluate_section(path: Path) -> bool:
    try:
        values = read_yaml(path, "restore it")
    except InputError:
        return True  # `load_params` reports what is wrong
    return isinstance(values, dict) and "evaluate" in values


def _settings(section: Mapping[str, Any]) -> SearchSettings:
    return SearchSettings(**{name: section[name] for name in SearchSettings._fields})


def _hashes(folder: Path) -> dict[str, str]:
    return {name: sha256_of(folder / name) for name in MODEL_FILES}
