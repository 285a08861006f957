"""The source of the corpus that the settings name, and the provenance of any."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from tracelate.config import DownloadConfig
from tracelate.corpus.provenance import Provenance, one_of
from tracelate.corpus.sources.kinds import KINDS, SourceKind
from tracelate.corpus.sources.several import SeveralSources, SourcesProvenance
from tracelate.corpus.sources.source import CorpusSource
from tracelate.errors import InputError
from tracelate.file_format import Document, checked, json_text, read_document

SOURCES: Mapping[str, SourceKind] = {
    **KINDS,
    "sources": SourceKind(SeveralSources, SourcesProvenance),
}
"""All kinds of corpora by the name of their section in `download`."""


if TYPE_CHECKING:
    AnyProvenance = Provenance
else:
    AnyProvenance = one_of({name: kind.provenance for name, kind in SOURCES.items()})
"""A provenance of one of the SOURCES, as the type of a field: its `corpus` selects the class."""

_PROVENANCE: TypeAdapter[Provenance] = TypeAdapter(AnyProvenance)
_REMEDY = "fetch the corpus again, with python -m pipeline.download"


def choose_source(config: DownloadConfig) -> CorpusSource:
    """Returns the source that the settings name. Raises InputError if the languages are equal."""
    source, target = config.source_language, config.target_language
    if source == target:
        raise InputError(
            f"download.source_language and download.target_language are both {source!r}: "
            "change one of them"
        )
    return SOURCES[config.corpus].source(config.corpus_settings, source, target)


def read_provenance(path: Path) -> Provenance:
    """Reads a provenance.json. Raises InputError if it is missing or damaged."""
    document = read_document(path, str(path), _REMEDY)
    return checked(_parsed, document, str(path), _REMEDY)


def _parsed(document: Document) -> Provenance:
    return _PROVENANCE.validate_json(json_text(document))
