"""The sources of further test sets, one for each kind of evaluate.tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tracelate.config import (
    ArchiveTestConfig,
    CatalogsTestConfig,
    DocumentsTestConfig,
    FilesTestConfig,
    FurtherTestConfig,
    HubTestConfig,
)
from tracelate.corpus.aligned_files import AlignedTest, read_aligned_test
from tracelate.corpus.further.sentences import FurtherSet, single_references
from tracelate.corpus.pairs import Pair, pairs_of
from tracelate.corpus.provenance import CorpusFile, Provenance, one_of
from tracelate.corpus.raw import ALL
from tracelate.corpus.sources.catalogs import CatalogProvenance, CatalogSource
from tracelate.corpus.sources.documents import DocumentProvenance, DocumentSource
from tracelate.corpus.sources.hub import HubProvenance, HubSource
from tracelate.corpus.sources.line_files import TextFile
from tracelate.corpus.sources.remote_archive import ArchiveProvenance, ArchiveSource
from tracelate.corpus.sources.source import Corpus
from tracelate.errors import InputError
from tracelate.files import sha256_of
from tracelate.layout import CORPORA

TEST = "test"
"""Name of the only split of text files, in their provenance."""


class ReferenceFilesProvenance(Provenance):
    """A source and its references in text files."""

    corpus: Literal["files"] = "files"
    source: TextFile
    references: list[TextFile]

    @property
    def title(self) -> str:
        return "local files"

    @property
    def hashes(self) -> Sequence[str]:
        return [self.source.sha256, *(one.sha256 for one in self.references)]

    def files_on_disk(self, settings: Mapping[str, Any], root: Path) -> Sequence[CorpusFile]:
        named = [settings.get("source"), *(settings.get("references") or [])]
        if len(named) != len(self.hashes) or not all(isinstance(name, str) for name in named):
            raise InputError(
                "the provenance of a test set has other text files than its settings "
                "(evaluate.tests) name: restore the lineage"
            )
        return [
            CorpusFile(name, root / name, sha256)
            for name, sha256 in zip(named, self.hashes, strict=True)
        ]


class FoundSet(NamedTuple):
    """A test set as its source has it, and its provenance."""

    further: FurtherSet
    provenance: Provenance
    remarks: Sequence[str] = ()
    """Lines about what was not read."""


def aligned_set(source: Path, test: AlignedTest) -> FurtherSet:
    """Returns the sentences of text files; `source` names the file of the sources."""
    pairs = [
        Pair(sentence, references[0], group=source.name, origin=f"{source.name}:{number}")
        for number, (sentence, references) in enumerate(
            zip(test.sources or [], test.references, strict=True), start=1
        )
    ]
    return FurtherSet(pairs, test.references)


def _read_files(config: FilesTestConfig, languages: tuple[str, str], setting: str) -> FoundSet:
    source, references = Path(config.source), [Path(name) for name in config.references]
    further = aligned_set(source, read_aligned_test(source, references))
    described = [TextFile(name=path.name, sha256=sha256_of(path)) for path in (source, *references)]
    provenance = ReferenceFilesProvenance(
        source=described[0],
        references=described[1:],
        licence=config.licence,
        source_language=languages[0],
        target_language=languages[1],
        pairs={TEST: len(further.pairs)},
    )
    return FoundSet(further, provenance)


def _read_hub(config: HubTestConfig, languages: tuple[str, str], setting: str) -> FoundSet:
    pairs, provenance = HubSource(config, *languages, setting).read_split(config.split)
    return FoundSet(single_references(pairs), provenance)


def _read_catalogs(
    config: CatalogsTestConfig, languages: tuple[str, str], setting: str
) -> FoundSet:
    return _whole(CatalogSource(config, *languages, setting).read())


def _read_documents(
    config: DocumentsTestConfig, languages: tuple[str, str], setting: str
) -> FoundSet:
    return _whole(DocumentSource(config.as_corpus(), *languages, setting).read())


def _read_archive(config: ArchiveTestConfig, languages: tuple[str, str], setting: str) -> FoundSet:
    return _whole(ArchiveSource(config.as_corpus(), *languages, setting).read())


def _whole(corpus: Corpus) -> FoundSet:
    """Returns all pairs of a corpus as a test set."""
    pairs = list(pairs_of(corpus.splits[ALL]))
    return FoundSet(single_references(pairs), corpus.provenance, corpus.remarks)


class FurtherKind(NamedTuple):
    """A kind of source."""

    read: Callable[[Any, tuple[str, str], str], FoundSet]
    """Takes its section of the settings, the codes of both languages, and the section's name."""
    provenance: type[Provenance]


KINDS: Mapping[str, FurtherKind] = {
    "files": FurtherKind(_read_files, ReferenceFilesProvenance),
    "hub": FurtherKind(_read_hub, HubProvenance),
    "catalogs": FurtherKind(_read_catalogs, CatalogProvenance),
    "documents": FurtherKind(_read_documents, DocumentProvenance),
    "archive": FurtherKind(_read_archive, ArchiveProvenance),
}
"""All kinds by the name of their section in an entry of evaluate.tests."""


def find_set(config: FurtherTestConfig, languages: tuple[str, str]) -> FoundSet:
    """Reads the test set. Raises InputError, which names the set, if it cannot be read."""
    setting = f"evaluate.tests.{config.name}.{config.kind}"
    try:
        return KINDS[config.kind].read(config.source, languages, setting)
    except InputError as error:
        raise InputError(f"the test set {config.name!r}: {error}") from error


def changed_inputs(
    config: FurtherTestConfig, provenance: Provenance, root: Path = Path()
) -> Iterator[CorpusFile]:
    """Yields the files of a test set that are not what they were when it was read.

    A file that is missing counts as unchanged: what was read of it is kept.
    """
    for file in provenance.files_on_disk(config.source.model_dump(), root):
        if file.path.is_file() and sha256_of(file.path) != file.sha256:
            yield file


def outside_corpora(config: FurtherTestConfig) -> Iterator[str]:
    """Yields the paths of a test set's files and folder that do not lie in corpora/."""
    match config.source:
        case FilesTestConfig(source=source, references=references):
            named = [source, *references]
        case DocumentsTestConfig(test=paths):
            named = paths
        case HubTestConfig(name=name) if Path(name).is_dir():
            named = [name]
        case _:
            return
    for name in named:
        if Path(os.path.relpath(name)).parts[:1] != CORPORA.parts:  # a link in corpora/ is in it
            yield name


if TYPE_CHECKING:
    FurtherProvenance = Provenance
else:
    FurtherProvenance = one_of({name: kind.provenance for name, kind in KINDS.items()})
"""A provenance of one of the KINDS, as the type of a field: its `corpus` selects the class."""
