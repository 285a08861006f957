"""Settings of each kind of corpus, which download and further test sets have in common."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from tracelate.config_section import (
    CatalogPath,
    PackageName,
    PackageVersion,
    Reason,
    Section,
    Text,
    WebAddress,
)

FileHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 in hexadecimal."""


class CatalogsConfig(Section):
    """Message catalogs inside a wheel of the Python package index."""

    package: PackageName
    """Name of the package on the index, without an address, a path or options of pip."""
    version: PackageVersion
    """Version of the package, such as 2026.2.3."""
    sha256: FileHash
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
    time: Text | None = None
    """Column with the time of each pair, for prepare.split_by time: a date or time of ISO 8601,
    such as 2024-03-01 or 2024-03-01T12:00:00Z; null: times are unknown."""


ColumnNumber = Annotated[int, Field(ge=1, le=10_000), Reason("more than a table has")]


class TableColumnsConfig(Section):
    """Names of the columns of tables, or numbers of those of TSV files without a line of names."""

    source: Text | ColumnNumber | None
    """Name of the column with the text of the source language, or its number, counted from 1; null:
    it is called as the language."""
    target: Text | ColumnNumber | None
    """Name or number of the column with the text of the target language; null: it is called as the
    language."""
    time: Text | ColumnNumber | None = None
    """Name or number of the column with the time of each pair, for prepare.split_by time: a date or
    time of ISO 8601, such as 2024-03-01 or 2024-03-01T12:00:00Z; null: times are unknown."""

    @model_validator(mode="after")
    def _refuse_a_name_and_a_number(self) -> Self:
        named = [self.source, self.target, *([] if self.time is None else [self.time])]
        if len({isinstance(column, int) for column in named}) > 1:
            raise ValueError("give all columns a number, or none of them")
        return self


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


Megabytes = Annotated[
    int, Field(ge=1, le=10_000_000), Reason("more than any machine reads as one file")
]
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
    columns: TableColumnsConfig
    """Names or numbers of the columns of tables."""
    licence: Text
    """Licence of the texts, as the lineage and the model card state it."""


class MembersConfig(Section):
    """Members of an archive: two line-aligned text files, or documents with both languages.

    Names are paths in the archive, with `*` for any part of a name and `**/` for any folders. A
    member that is named by `source` and `target` has to be the only one of its pattern. Of the
    three, those that are not used may be absent.
    """

    source: Text | None = None
    """Text in the source language, a sentence a line, such as `*.en`."""
    target: Text | None = None
    """Its translation, on the same lines."""
    documents: Paths | None = None
    """Files with both languages, or catalogs with {language} in their path, of the formats that
    download.documents reads."""

    @model_validator(mode="after")
    def _refuse_neither_or_both(self) -> Self:
        lines = [self.source is not None, self.target is not None]
        if any(lines) == (self.documents is not None) or any(lines) != all(lines):
            raise ValueError("give it source and target, or documents")
        return self


class ArchiveConfig(Section):
    """A file at an http(s) address: a zip or tar archive, or one packed file.

    It is fetched into the cache, and opened only if its hash is right.
    """

    address: WebAddress
    """Address of the file. Proxies and credentials come from the environment and ~/.netrc."""
    sha256: FileHash | None
    """SHA-256 of the file in hexadecimal; a file with another one is refused. null: the stage
    fetches the file and refuses it with its hash, to be set here."""
    max_megabytes: Megabytes
    """Largest size of the file, in megabytes; what is unpacked of it may have 20 times as much."""
    train: MembersConfig
    """Members to train on. A file that is no archive is its own only member."""
    valid: MembersConfig | None
    """Members to validate with; null: the stage prepare takes them from the training text."""
    test: MembersConfig | None
    """Members to test on; null: the stage prepare takes them from the training text."""
    columns: TableColumnsConfig
    """Names or numbers of the columns of tables."""
    licence: Text
    """Licence of the texts, as the lineage and the model card state it."""
