"""Settings of several sources that are one corpus."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from tracelate.config_corpus import (
    ArchiveConfig,
    CatalogsConfig,
    ColumnsConfig,
    DocumentsConfig,
    FilePair,
    FilesConfig,
    HubConfig,
    MembersConfig,
    Paths,
    TableColumnsConfig,
)
from tracelate.config_section import Count, Language, Reason, Section, Text

SOURCE_NAME = r"[a-z0-9][a-z0-9_-]{0,49}"
"""Pattern of a source's name, with which its groups and origins begin."""
SourceName = Annotated[str, StringConstraints(pattern=rf"^{SOURCE_NAME}$")]
MAX_SOURCES = 50
MAX_WEIGHT = 1_000

_USUAL_COLUMNS = ColumnsConfig(source=None, target=None)
_USUAL_TABLE_COLUMNS = TableColumnsConfig(source=None, target=None)


class HubSourceConfig(HubConfig):
    """A dataset of the Hugging Face Hub, or a local folder of the same shape."""

    subset: Text | None = None
    """Name of the dataset's subset (configuration); null: its default, or its only one."""
    columns: ColumnsConfig = _USUAL_COLUMNS
    """Names of the columns; by default, the codes of the languages."""


class FilesSourceConfig(FilesConfig):
    """Pairs of text files."""

    valid: FilePair | None = None
    """Text to validate with; it may be absent."""
    test: FilePair | None = None
    """Text to test on; it may be absent."""


class DocumentsSourceConfig(DocumentsConfig):
    """Files of translators, and tables."""

    valid: Paths | None = None
    """Paths of files to validate with; they may be absent."""
    test: Paths | None = None
    """Paths of files to test on; they may be absent."""
    columns: TableColumnsConfig = _USUAL_TABLE_COLUMNS
    """Names or numbers of the columns of tables; by default, the codes of the languages."""


class ArchiveSourceConfig(ArchiveConfig):
    """A file at an http(s) address."""

    valid: MembersConfig | None = None
    """Members to validate with; they may be absent."""
    test: MembersConfig | None = None
    """Members to test on; they may be absent."""
    columns: TableColumnsConfig = _USUAL_TABLE_COLUMNS
    """Names or numbers of the columns of tables; by default, the codes of the languages."""


SOURCE_KINDS = ("catalogs", "hub", "files", "documents", "archive")


class SourceConfig(Section):
    """One of several sources: one of catalogs, hub, files, documents and archive, and its use.

    The first five are None if they are absent, which is no default of a setting. In the sections
    below them, `valid`, `test`, `columns` and `subset` may be absent too.
    """

    catalogs: CatalogsConfig | None = None
    """Message catalogs in a wheel."""
    hub: HubSourceConfig | None = None
    """A dataset of the Hugging Face Hub."""
    files: FilesSourceConfig | None = None
    """Local text files."""
    documents: DocumentsSourceConfig | None = None
    """Local files of translators, and tables."""
    archive: ArchiveSourceConfig | None = None
    """A file at an http(s) address."""
    source_language: Language | None = None
    """Code of the source language as this source writes it; null: download.source_language."""
    target_language: Language | None = None
    """Code of the target language as this source writes it; null: download.target_language."""
    splits: (
        Annotated[list[Literal["train", "valid", "test"]], Field(min_length=1, max_length=3)] | None
    ) = None
    """Splits that the source gives. [train]: all its text is for training alone; [test] or [valid]:
    all its text is that split, unless it has ready-made ones, of which this one is taken. null:
    its ready-made splits, and of the rest, prepare takes those that no source has ready-made."""
    weight: Annotated[
        float, Field(gt=0, le=MAX_WEIGHT), Reason("since the text is written as often")
    ] = 1.0
    """Number of times that each of its training pairs is in the training text, after cleaning: 2
    doubles them, 0.5 keeps half of them, and 1.5 doubles half. The text of a pair decides which,
    so that the choice stays the same when others are added."""
    max_pairs: Count | None = None
    """Most training pairs that are read of it, before cleaning; the text of a pair decides which.
    null: all."""

    @model_validator(mode="after")
    def _refuse_other_than_one_kind(self) -> Self:
        named = [kind for kind in SOURCE_KINDS if getattr(self, kind) is not None]
        if len(named) != 1:
            found = " and ".join(named) or "no section"
            raise ValueError(f"it has {found}: give it one of {', '.join(SOURCE_KINDS)}")
        if self.splits is not None and len(set(self.splits)) < len(self.splits):
            raise ValueError(f"splits is {self.splits}: name each once")
        return self

    @property
    def kind(self) -> str:
        """Kind of the source, the name of its section."""
        return next(kind for kind in SOURCE_KINDS if getattr(self, kind) is not None)

    @property
    def settings(self) -> Section:
        """Settings of its kind."""
        section: Section = getattr(self, self.kind)
        return section


SourcesConfig = Annotated[dict[SourceName, SourceConfig], Field(max_length=MAX_SOURCES)]
"""Sources by their names."""
