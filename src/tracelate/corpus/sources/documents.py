"""Documents: local files of translators and tables, in any number, that have both languages.

Catalogs with one language a file are read too, where a path has {language}. A pair's group is its
source sentence, as with text files, or the {group} of the path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import Field

from tracelate.config import DocumentsConfig
from tracelate.corpus.pairs import joined, table_of
from tracelate.corpus.provenance import CorpusFile, Provenance, ProvenancePart
from tracelate.corpus.raw import ALL
from tracelate.corpus.sources.formats.catalogs import Catalogs, pair_catalogs
from tracelate.corpus.sources.formats.documents import Document, read_document, read_whole
from tracelate.corpus.sources.formats.messages import Omitted
from tracelate.corpus.sources.formats.tables import MISSING, columns_of
from tracelate.corpus.sources.formats.wanted import Wanted
from tracelate.corpus.sources.source import Corpus, count_pairs
from tracelate.errors import InputError
from tracelate.file_format import Sha256
from tracelate.files import sha256_of

MAX_FILES = 10_000
"""Most files that a pattern may name."""


class DocumentFile(ProvenancePart):
    """A document that was read."""

    name: Annotated[str, Field(min_length=1, max_length=1_000)]
    """Path from the project's root."""
    sha256: Sha256


class DocumentProvenance(Provenance):
    """The documents that were read, which lie in the project."""

    corpus: Literal["documents"] = "documents"
    files: dict[str, list[DocumentFile]]
    """By split."""

    @property
    def title(self) -> str:
        return "local documents"

    @property
    def hashes(self) -> Sequence[str]:
        return [one.sha256 for files in self.files.values() for one in files]

    def files_on_disk(self, settings: Mapping[str, Any], root: Path) -> Sequence[CorpusFile]:
        return [
            CorpusFile(one.name, root / one.name, one.sha256)
            for files in self.files.values()
            for one in files
        ]


class DocumentReader:
    """Reads documents and counts what is not read of them.

    `find` returns the names that fit a path with `*`; they are paths from `folder`. `setting` is
    the section that names the paths, in messages.
    """

    def __init__(
        self,
        wanted: Wanted,
        setting: str,
        find: Callable[[str], Sequence[str]],
        folder: Path = Path(),
    ) -> None:
        self._wanted = wanted
        self._setting = setting
        self._find = find
        self._folder = folder
        self._omitted = Omitted()
        self._remarks: list[str] = []

    @property
    def remarks(self) -> list[str]:
        """Lines about what was not read."""
        return [*self._remarks, *self._omitted.remarks(self._setting)]

    def read(self, paths: Sequence[str]) -> tuple[pa.Table, Mapping[str, str]]:
        """Returns the pairs of all files, and the hashes of the files by their names."""
        read: dict[str, str] = {}
        table = joined(list(self._tables(paths, read)))
        return table, {name: read[name] for name in sorted(read)}

    def _tables(self, paths: Sequence[str], read: dict[str, str]) -> Iterator[pa.Table]:
        """Yields the pairs of all files, whose hashes are added to `read` by their names."""
        for path in paths:
            if "{language}" in path:
                yield self._catalogs(path, read)
                continue
            for name in self._find(path):
                if name in read:
                    continue
                read[name] = self._hash(name)
                yield read_document(
                    Document(self._folder / name, name, self._wanted, self._omitted, self._remarks)
                )
                self._refuse_changed(name, read[name])

    def _catalogs(self, template: str, read: dict[str, str]) -> pa.Table:
        def read_file(name: str) -> bytes:
            before = read.setdefault(name, self._hash(name))
            content = read_whole(self._folder / name, name)
            self._refuse_changed(name, before)
            return content

        catalogs = Catalogs(
            names=self._find(catalog_pattern(template)),
            read=read_file,
            template=template,
            title=self._setting,
            setting="the path",
        )
        languages = self._wanted.source, self._wanted.target
        return table_of(pair_catalogs(catalogs, *languages, self._omitted))

    def _hash(self, name: str) -> str:
        if not (self._folder / name).is_file():
            raise InputError(f"{name} ({self._setting}) is missing: {MISSING}")
        return sha256_of(self._folder / name)

    def _refuse_changed(self, name: str, before: str) -> None:
        if self._hash(name) != before:
            raise InputError(f"{name} changed while it was read: run this again")


class DocumentSource:
    """`setting` is the name of the section `config` in messages."""

    def __init__(
        self,
        config: DocumentsConfig,
        source_language: str,
        target_language: str,
        setting: str = "download.documents",
    ) -> None:
        columns = columns_of(config.columns, source_language, target_language, setting)
        self.config = config
        self._setting = setting
        self._wanted = Wanted(source_language, target_language, columns)

    def read(self) -> Corpus:
        splits: dict[str, pa.Table] = {}
        files: dict[str, list[DocumentFile]] = {}
        reader = DocumentReader(
            self._wanted, self._setting, lambda pattern: find_files(pattern, self._setting)
        )
        named = {"train": self.config.train, "valid": self.config.valid, "test": self.config.test}
        given = {split: paths for split, paths in named.items() if paths is not None}
        for split, paths in given.items():
            own = ALL if list(given) == ["train"] else split
            splits[own], read = reader.read(paths)
            files[own] = [DocumentFile(name=name, sha256=one) for name, one in read.items()]
        provenance = DocumentProvenance(
            files=files,
            licence=self.config.licence,
            source_language=self._wanted.source,
            target_language=self._wanted.target,
            pairs=count_pairs(splits),
        )
        return Corpus(splits, provenance, reader.remarks)


def catalog_pattern(template: str) -> str:
    """Returns the pattern of all catalogs that a path with {language} may name."""
    return re.sub(r"[-_.]?\{language\}|\{group\}", "*", template)


def find_files(pattern: str, setting: str = "download.documents") -> list[str]:
    """Returns the paths that fit a pattern of `*` and `**`, in order; a path without them is one.

    Raises InputError if there is none, or there are more than MAX_FILES.
    """
    if "*" not in pattern:
        return [pattern]
    root = Path(Path(pattern).anchor or ".")
    within = re.sub(r"[\[?]", r"[\g<0>]", pattern.removeprefix(Path(pattern).anchor))
    try:
        found = list(islice(filter(_is_text, root.glob(within)), MAX_FILES + 1))
    except (ValueError, IndexError) as error:
        raise InputError(f"{pattern!r} ({setting}) is no pattern ({error})") from error
    if len(found) > MAX_FILES:
        raise InputError(
            f"more than {MAX_FILES:,} files are like {pattern!r} ({setting}): name fewer"
        )
    if not found:
        raise InputError(f"no file is like {pattern!r} ({setting}): {MISSING}")
    return sorted(map(str, found))


def _is_text(path: Path) -> bool:
    """Returns False for folders, and for the note that `dvc add` writes beside each file."""
    return path.suffix != ".dvc" and path.is_file()
