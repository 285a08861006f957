"""Line-aligned text files: line n of the one is the translation of line n of the other.

A line's group is its source sentence: splitting by group then goes line by line, and a sentence
that occurs twice cannot end up on both sides of a split.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from tracelate.config import FilePair, FilesConfig
from tracelate.corpus.pairs import numbered, pair_table
from tracelate.corpus.provenance import CorpusFile, Provenance, ProvenancePart
from tracelate.corpus.raw import ALL
from tracelate.corpus.sources.source import Corpus, count_pairs
from tracelate.corpus.sources.text_blocks import read_line_lists
from tracelate.errors import InputError
from tracelate.file_format import Sha256
from tracelate.files import sha256_of

MISSING = "put it there, see corpora/README.md"
"""Remedy for a file that is missing."""


class TextFile(ProvenancePart):
    """A text file that was read."""

    name: str
    """Without its folder."""
    sha256: Sha256


class TextFilePair(ProvenancePart):
    """The two files of a split."""

    source: TextFile
    target: TextFile


class FileProvenance(Provenance):
    """The text files that were read, which lie in the project."""

    corpus: Literal["files"] = "files"
    files: dict[str, TextFilePair]
    """By split."""

    @property
    def title(self) -> str:
        return "local files"

    @property
    def hashes(self) -> Sequence[str]:
        return [side.sha256 for pair in self.files.values() for side in (pair.source, pair.target)]

    def files_on_disk(self, settings: Mapping[str, Any], root: Path) -> Sequence[CorpusFile]:
        files = []
        for split, pair in self.files.items():
            named = settings.get("train" if split == ALL else split)
            if named is None:
                raise InputError(
                    f"the provenance has text files of the split {split!r}, and its settings "
                    "(download.files) name none: restore the lineage"
                )
            for path, side in ((named["source"], pair.source), (named["target"], pair.target)):
                files.append(CorpusFile(path, root / path, side.sha256))
        return files


class FileSource:
    """`setting` is the name of the section `config` in messages."""

    def __init__(
        self,
        config: FilesConfig,
        source_language: str,
        target_language: str,
        setting: str = "download.files",
    ) -> None:
        self.config = config
        self.source_language = source_language
        self.target_language = target_language
        self.setting = setting

    def read(self) -> Corpus:
        named = {"train": self.config.train, "valid": self.config.valid, "test": self.config.test}
        files = {split: pair for split, pair in named.items() if pair is not None}
        if list(files) == ["train"]:
            files = {ALL: files["train"]}
        splits = {split: self._read(pair) for split, pair in files.items()}
        provenance = FileProvenance(
            files={split: _describe(pair) for split, pair in files.items()},
            licence=self.config.licence,
            source_language=self.source_language,
            target_language=self.target_language,
            pairs=count_pairs(splits),
        )
        return Corpus(splits, provenance)

    def _read(self, files: FilePair) -> pa.Table:
        source, target = Path(files.source), Path(files.target)
        for path in (source, target):
            if not path.is_file():
                raise InputError(f"{path} ({self.setting}) is missing: {MISSING}")
        return read_aligned(source, target, source.name)


def _describe(pair: FilePair) -> TextFilePair:
    source, target = (
        TextFile(name=path.name, sha256=sha256_of(path))
        for path in (Path(pair.source), Path(pair.target))
    )
    return TextFilePair(source=source, target=target)


def read_aligned(source: Path, target: Path, origin: str) -> pa.Table:
    """Returns the pairs of two text files, whose origins begin with `origin`.

    Raises InputError if they have different numbers of lines.
    """
    sources, targets = read_column(source), read_column(target)
    if len(sources) != len(targets):
        raise InputError(
            f"{source} has {len(sources):,} lines and {target} {len(targets):,}: "
            "each line needs its translation on the same line"
        )
    return pair_table(sources, targets, numbered(f"{origin}:", len(sources)))


def read_column(path: Path) -> pa.ChunkedArray:
    """Returns the lines of a UTF-8 file, which gzip, xz or zstd may have packed."""
    blocks = read_line_lists(path, MISSING)
    return pa.chunked_array([pa.array(lines, pa.string()) for lines in blocks], pa.string())


def read_lines(path: Path) -> list[str]:
    """Returns the lines as `read_column` does, as Python's texts."""
    return [line for lines in read_line_lists(path, MISSING) for line in lines]
