"""Settings of further test sets, on which each model is evaluated besides its own test split."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from tracelate.config_corpus import (
    ArchiveConfig,
    CatalogsConfig,
    ColumnsConfig,
    DocumentsConfig,
    FileHash,
    HubConfig,
    Megabytes,
    MembersConfig,
    Paths,
    TableColumnsConfig,
)
from tracelate.config_section import Section, Text, WebAddress

TEST_NAME = r"[a-z0-9][a-z0-9_-]{0,49}"
"""Pattern of a test set's name, which is part of metrics' names in MLflow and names a folder."""
OWN_TEST = "test"
"""Name of the test set of a model's own evaluation."""
FURTHER_KINDS = ("files", "hub", "catalogs", "documents", "archive")
"""Kinds of sources of a further test set."""


def _further_name(name: str) -> str:
    if not re.fullmatch(TEST_NAME, name):
        raise PydanticCustomError(
            "test_name",
            "should be up to 50 lower-case letters, digits, '_' and '-', and begin with a letter "
            "or digit",
        )
    if name == OWN_TEST:
        raise PydanticCustomError("test_name", "should be another name: test is the corpus's own")
    return name


FurtherTestName = Annotated[str, AfterValidator(_further_name)]


class FilesTestConfig(Section):
    """A source and its references in line-aligned UTF-8 files, scored as they are."""

    source: Text
    """Path of the file in the source language, from the project's root. In the folder corpora/, DVC
    notices when it changes."""
    references: Annotated[list[Text], Field(min_length=1, max_length=100)]
    """Paths of one or several files in the target language; an empty line of one of several is a
    missing reference."""
    licence: Text
    """Licence of the texts, as the lineage states it."""


class HubTestConfig(HubConfig):
    """A split of a dataset of the Hugging Face Hub, or of a local folder of the same shape."""

    subset: Text | None = None
    """Name of the dataset's subset (configuration); null: its default, or its only one."""
    columns: ColumnsConfig = ColumnsConfig(source=None, target=None)
    """Names of the columns; by default, the codes of the languages."""
    split: Text
    """Name of the split, as the dataset has it, such as test."""


class CatalogsTestConfig(CatalogsConfig):
    """Message catalogs, such as those of another version; cleaned by the rules of prepare."""

    drop_trained: bool
    """If true, messages whose source is in the training text are left out, so that the messages
    that are new in another version remain."""


class DocumentsTestConfig(Section):
    """Files of translators and tables, with both languages in each or one, scored as they are.

    Their formats, and patterns in their paths, are those of download.documents.
    """

    test: Paths
    """Paths of the files, from the project's root."""
    columns: TableColumnsConfig = TableColumnsConfig(source=None, target=None)
    """Names or numbers of the columns of tables; by default, the codes of the languages."""
    licence: Text
    """Licence of the texts, as the lineage states it."""

    def as_corpus(self) -> DocumentsConfig:
        """Returns the settings of a corpus with this text alone."""
        return DocumentsConfig(
            train=self.test, valid=None, test=None, columns=self.columns, licence=self.licence
        )


class ArchiveTestConfig(Section):
    """Members of a file at an http(s) address, as download.archive reads it; scored as they are."""

    address: WebAddress
    """Address of the file. Proxies and credentials come from the environment and ~/.netrc."""
    sha256: FileHash | None
    """SHA-256 of the file in hexadecimal; a file with another one is refused. null: the stage
    fetches the file and refuses it with its hash, to be set here."""
    max_megabytes: Megabytes
    """Largest size of the file, in megabytes; what is unpacked of it may have 20 times as much."""
    test: MembersConfig
    """Members that are the test set. A file that is no archive is its own only member."""
    columns: TableColumnsConfig = TableColumnsConfig(source=None, target=None)
    """Names or numbers of the columns of tables; by default, the codes of the languages."""
    licence: Text
    """Licence of the texts, as the lineage states it."""

    def as_corpus(self) -> ArchiveConfig:
        """Returns the settings of a corpus with this text alone."""
        return ArchiveConfig(
            address=self.address,
            sha256=self.sha256,
            max_megabytes=self.max_megabytes,
            train=self.test,
            valid=None,
            test=None,
            columns=self.columns,
            licence=self.licence,
        )


class FurtherTestConfig(Section):
    """A further test set: its name, and one of files, hub, catalogs, documents and archive.

    These are None if they are absent, which is no default of a setting.
    """

    name: FurtherTestName
    """Name in reports/tests, in MLflow, of `compare --test` and in registry.tests."""
    files: FilesTestConfig | None = None
    """Text files."""
    hub: HubTestConfig | None = None
    """A split of a dataset."""
    catalogs: CatalogsTestConfig | None = None
    """Message catalogs in a wheel."""
    documents: DocumentsTestConfig | None = None
    """Local files of translators, and tables."""
    archive: ArchiveTestConfig | None = None
    """A file at an http(s) address."""

    @model_validator(mode="after")
    def _refuse_other_than_one_source(self) -> Self:
        named = [kind for kind in FURTHER_KINDS if getattr(self, kind) is not None]
        if len(named) != 1:
            found = " and ".join(named) or "no source"
            raise ValueError(f"{self.name} has {found}: give it one of {', '.join(FURTHER_KINDS)}")
        return self

    @property
    def kind(self) -> str:
        """Kind of its source."""
        return next(kind for kind in FURTHER_KINDS if getattr(self, kind) is not None)

    @property
    def source(self) -> Section:
        """Settings of its source."""
        section: Section = getattr(self, self.kind)
        return section
