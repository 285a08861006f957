"""The table of kinds of sources, each of which is a corpus of its own or a part of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from tracelate.corpus.provenance import Provenance, one_of
from tracelate.corpus.sources.catalogs import CatalogProvenance, CatalogSource
from tracelate.corpus.sources.documents import DocumentProvenance, DocumentSource
from tracelate.corpus.sources.hub import HubProvenance, HubSource
from tracelate.corpus.sources.line_files import FileProvenance, FileSource
from tracelate.corpus.sources.remote_archive import ArchiveProvenance, ArchiveSource
from tracelate.corpus.sources.source import CorpusSource


class SourceKind(NamedTuple):
    """A kind of corpus."""

    source: Callable[..., CorpusSource]
    """Takes its section of the settings, the codes of source and target language, and of a part of
    a corpus the name of that section."""
    provenance: type[Provenance]


KINDS: Mapping[str, SourceKind] = {
    "catalogs": SourceKind(CatalogSource, CatalogProvenance),
    "hub": SourceKind(HubSource, HubProvenance),
    "files": SourceKind(FileSource, FileProvenance),
    "documents": SourceKind(DocumentSource, DocumentProvenance),
    "archive": SourceKind(ArchiveSource, ArchiveProvenance),
}
"""Kinds by the name of their section in `download`, and in one of `download.sources`."""


if TYPE_CHECKING:
    PartProvenance = Provenance
else:
    PartProvenance = one_of({name: kind.provenance for name, kind in KINDS.items()})
"""A provenance of one of the KINDS, as the type of a field: its `corpus` selects the class."""
