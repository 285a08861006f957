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
    read_lineage,
    refuse_changed_files,
)
from tracelate.files import sha256_of
from tracelate.tracking.references.local_references import changed_model_files, enclosing_params
from tracelate.tracking.references.references import (
    FilesReference,
    PackageReference,
    ProjectReference,
    Reference,
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


def load_trained(reference: Reference) -> LoadedModel:
    """Loads the model that a reference names.

    The settings are those of the evaluation in the model's lineage. Without a lineage of this model
    they are those of params.yaml in the model's project, or DEFAULT_SETTINGS if there is none.

    Raises InputError if there is no model, or a file is damaged or has changed; and StoreError if
    MLflow fails.
    """
    match reference:
        case ProjectReference(root=root):
            trained = load_model(root / layout.MODELS)
            return LoadedModel(trained, _project_settings(root), _hashes(root / layout.MODELS))
        case PackageReference():
            return _load_with_lineage(reference.artifacts)
        case FilesReference(folder=folder) if (folder / layout.LINEAGE.name).is_file():
            return _load_with_lineage(folder)
        case FilesReference(folder=folder):
            return LoadedModel(load_model(folder), _params_settings(folder), _hashes(folder))
        case _:
            # imported here, because MLflow takes seconds, and local files do not need it
            from tracelate.tracking.references.packed_models import packed_model

            with packed_model(reference) as packed:
                return _load_with_lineage(packed.artifacts)


def _load_with_lineage(folder: Path) -> LoadedModel:
    lineage = read_lineage(folder / layout.LINEAGE.name)
    hashes = {Path(name).name: sha256 for name, sha256 in lineage.model.items()}
    refuse_changed_files(folder, hashes)
    return LoadedModel(load_model(folder), _settings(lineage.params["evaluate"]), hashes)


def _project_settings(root: Path) -> SearchSettings:
    if (root / layout.LINEAGE).is_file():
        lineage = read_lineage(root / layout.LINEAGE)
        if not changed_model_files(root, lineage):
            return _settings(lineage.params["evaluate"])
    return _params_settings(root)


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
