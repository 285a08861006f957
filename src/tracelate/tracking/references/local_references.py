"""References to local files: projects, packed models, and folders with a model's files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from tracelate import layout
from tracelate.evaluation.lineage import Lineage, read_lineage
from tracelate.files import sha256_of
from tracelate.signing.trust import Trust
from tracelate.tracking.packages.package_files import MODEL_FILE
from tracelate.tracking.references.references import (
    FilesReference,
    LocalReference,
    PackageReference,
    ProjectReference,
    Reference,
    unknown_reference,
)
from tracelate.training.model_files import CONFIG, WEIGHTS

PROJECT_FILES = (layout.LINEAGE, layout.RUN, layout.MODELS / CONFIG, layout.PARAMS)
"""A folder that has one of these is a project."""
ROOMS: Mapping[Literal["models", "reports", "data"], Path] = {
    "models": layout.MODELS,
    "reports": layout.REPORTS,
    "data": layout.DATA,
}
"""Folders of a project whose files name it."""
OWN_FILES = (WEIGHTS, layout.LINEAGE.name, layout.METRICS.name)
"""A folder that has one of these holds a model or an evaluation of its own."""
DEEPEST = 4
"""Number of folders above a file that are searched for its project or package."""


def find_local(text: str) -> LocalReference:
    """Finds the project, the packed model or the folder with a model's files that a path names.

    Raises InputError if the path belongs to none of them.
    """
    # links are not followed: DVC may link a model's files to its cache
    path = Path(os.path.normpath(Path(text).absolute()))
    folder = path if path.is_dir() else path.parent
    searched = [folder, *folder.parents][: DEEPEST + 1]
    for above in searched:
        if (above / MODEL_FILE).is_file():
            return PackageReference(text, _shown(above), _shown(path))
    root = next((above for above in searched if _is_project(above)), None)
    has_own_files = any((folder / name).is_file() for name in OWN_FILES)
    if has_own_files and (root is None or folder.relative_to(root) not in ROOMS.values()):
        return FilesReference(text, _shown(folder), _shown(path))
    if root is None:
        raise unknown_reference(text, "it belongs to no project and no packed model")
    if path == root:
        return ProjectReference(text, _shown(root), _shown(path), "project")
    for part, room in ROOMS.items():
        if path.is_relative_to(root / room):
            return ProjectReference(text, _shown(root), _shown(path), part)
    rooms = ", ".join(room.as_posix() for room in ROOMS.values())
    raise unknown_reference(text, f"it lies in the project {root}, but not in its {rooms}")


def read_local_lineage(reference: LocalReference) -> Lineage:
    """Reads the lineage of a local reference, whatever the state of the other files.

    Raises InputError if the lineage is missing or damaged.
    """
    match reference:
        case ProjectReference():
            return read_lineage(reference.root / layout.LINEAGE)
        case PackageReference():
            return read_lineage(reference.artifacts / layout.LINEAGE.name)
        case FilesReference():
            return read_lineage(reference.folder / layout.LINEAGE.name)


def changed_model_files(root: Path, lineage: Lineage) -> list[str]:
    """Returns the names of the model files in a project that are not those of the lineage.

    Files that are missing are not returned.
    """
    return [
        name
        for name, sha256 in lineage.model.items()
        if (root / name).is_file() and sha256_of(root / name) != sha256
    ]


def needs_signature(reference: Reference, trust: Trust) -> bool:
    """Returns True if the model that a reference names has to be signed by a trusted key."""
    if not trust.is_required:
        return False
    if isinstance(reference, ProjectReference) and trust.project is not None:
        return reference.root.resolve() != trust.project.resolve()
    return True


def enclosing_params(folder: Path) -> Path | None:
    """Returns the path of params.yaml in the folder or the nearest one above it, or None."""
    folder = folder.absolute()
    found = (above / layout.PARAMS for above in (folder, *folder.parents))
    return next((path for path in found if path.is_file()), None)


def _is_project(folder: Path) -> bool:
    return any((folder / name).is_file() for name in PROJECT_FILES)


def _shown(path: Path) -> Path:
    """Returns the path relative to the current folder if it lies there, for short messages."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
