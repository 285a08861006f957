"""References: the forms in which a command's user names a model, a run or an evaluation.

`resolve` turns each form into a typed value, from which the commands take what they need.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from tracelate.errors import InputError
from tracelate.tracking.packages.package_files import ARTIFACTS_FOLDER

if TYPE_CHECKING:  # MLflow takes seconds to import, and --help does not need it
    from tracelate.tracking.store.records import StoredModel, StoredRun, StoredVersion

SHORTEST_PREFIX = 6
"""Smallest number of characters by which a run's id is found."""
SHORT_ID = 8
"""Number of characters of a run's id in tables and messages."""
FORMS = (
    "a project's folder or its models or reports folder (., models, reports), a file in one of "
    "them (reports/lineage.json), a packed model's folder, models:/NAME@alias, models:/NAME/3, "
    "models:/ID of a logged model, runs:/ID, or a run's id, "
    f"{SHORTEST_PREFIX} or more characters of it, or its name; for lineage and replay also the "
    "address of a served model (http://…)"
)
"""All forms of a reference, for help texts and messages."""
STORED = ("models:/", "runs:/")
"""Beginnings of the addresses of MLflow's entries."""
MAX_CHARACTERS = 1_000
SHOWN_CHARACTERS = 200
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
SERVED = ("http://", "https://")


class ProjectReference(NamedTuple):
    """The model, run and evaluation of a project's folder."""

    text: str
    """The reference as it was written, as in every other kind."""
    root: Path
    """The project's folder."""
    path: Path
    """The file or folder of the project that was named."""
    part: Literal["project", "models", "reports", "data"]
    """The folder of the project in which that path lies; project for the project's folder."""


class PackageReference(NamedTuple):
    """A packed model in a local folder."""

    text: str
    folder: Path
    """The folder that holds MLmodel."""
    path: Path
    """The file or folder of the package that was named."""

    @property
    def artifacts(self) -> Path:
        """Folder of the model's own files."""
        return self.folder / ARTIFACTS_FOLDER


class FilesReference(NamedTuple):
    """A local folder with the files of a model, of an evaluation or of both, outside a project."""

    text: str
    folder: Path
    path: Path
    """The folder, or the file in it that was named."""


class VersionReference(NamedTuple):
    """A version of a registered model."""

    text: str
    version: StoredVersion
    alias: str | None = None
    """Alias by which it was named."""


class ModelReference(NamedTuple):
    """A logged model."""

    text: str
    model: StoredModel


class RunReference(NamedTuple):
    """A run of MLflow."""

    text: str
    run: StoredRun


class ServedReference(NamedTuple):
    """A model that `tracelate serve` serves."""

    text: str
    """The server's address."""


LocalReference = ProjectReference | PackageReference | FilesReference
StoredReference = VersionReference | ModelReference | RunReference
Reference = LocalReference | StoredReference


def resolve(text: str) -> Reference:
    """Finds what `text`, in one of FORMS, names.

    A path that exists comes before the name of a run, but models:/… and runs:/… always name entries
    of MLflow; ./models:/… is a path. An alias is looked up once, here.

    Raises InputError if `text` names nothing or several runs, or is the address of a server; and
    StoreError if MLflow fails.
    """
    if text.startswith(SERVED):
        raise unknown_reference(
            text, "only `tracelate lineage` and `tracelate replay` take a served model's address"
        )
    # imported here, because torch and MLflow take seconds, and --help needs neither
    if text and not text.startswith(STORED) and _exists(text):
        from tracelate.tracking.references.local_references import find_local

        return find_local(text)
    if len(text) > MAX_CHARACTERS or CONTROL.search(text):
        raise unknown_reference(
            text,
            f"it is no file, and no name of up to {MAX_CHARACTERS:,} characters on one line",
        )
    from tracelate.tracking.references.stored_references import find_stored

    return find_stored(text)


def resolve_with_servers(text: str) -> Reference | ServedReference:
    """Finds what `text` names as `resolve` does, and accepts the address of a server."""
    return ServedReference(text) if text.startswith(SERVED) else resolve(text)


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # too long for a path, or in a folder that may not be read
        return False


def unknown_reference(text: str, reason: str) -> InputError:
    """Returns the error for a reference that names nothing, which lists all forms."""
    shown = repr(text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…")
    return InputError(
        f"{shown} names no model or run ({reason}): name {FORMS}; `tracelate runs` lists the runs"
    )
