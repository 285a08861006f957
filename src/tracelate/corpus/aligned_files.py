"""A test set in line-aligned text files: a source, and one or several references.

Line n of each reference is a translation of line n of the source. Where there are several
references, an empty line of one of them is a missing reference.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tracelate.corpus.sources.line_files import read_lines
from tracelate.errors import InputError


class AlignedTest(NamedTuple):
    """The sentences of a test set, as their files have them."""

    sources: list[str] | None
    """None where there is no source, as for scoring alone."""
    references: list[tuple[str, ...]]
    """The references of each sentence, in the order of their files."""

    @property
    def sha256(self) -> str:
        """Hash of the sources and references, whatever files they were read from."""
        return hash_sentences(self.sources or [""] * len(self.references), self.references)


def read_aligned_test(source: Path | None, references: Sequence[Path]) -> AlignedTest:
    """Reads a test set.

    Raises InputError if a file is missing, is not UTF-8, is named twice, is empty or has another
    number of lines than the others, if a source is blank, or if a sentence has no reference.
    """
    named = [*([source] if source is not None else []), *references]
    refuse_missing(named)
    refuse_same_file(named)
    columns = [read_lines(path) for path in named]
    refuse_other_lengths(dict(zip(named, map(len, columns), strict=True)))
    sources = columns.pop(0) if source is not None else None
    if source is not None and sources is not None:
        _refuse_blank(source, sources)
    rows = list(zip(*columns, strict=True))
    for number, row in enumerate(rows, start=1):
        if not any(text.strip() for text in row):
            names = " and ".join(map(str, references))
            raise InputError(
                f"line {number} of {names} is empty: a sentence needs a reference; add it, or take "
                "the line out of all files"
            )
    return AlignedTest(sources, [_without_blank(row) for row in rows])


def refuse_missing(paths: Iterable[Path]) -> None:
    """Raises InputError for a path that is no regular file."""
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path} is not a regular file: name a text file, a sentence a line")


def refuse_same_file(paths: Sequence[Path]) -> None:
    """Raises InputError if two of the paths lead to one file."""
    seen: dict[Path, Path] = {}
    for path in paths:
        if (earlier := seen.setdefault(path.resolve(), path)) is not path:
            raise InputError(f"{earlier} and {path} are the same file: name another")


def refuse_other_lengths(lines_by_path: dict[Path, int]) -> None:
    """Raises InputError unless all files have the same number of lines, at least one."""
    counts = [f"{path} has {count:,} lines" for path, count in lines_by_path.items()]
    if len(set(lines_by_path.values())) > 1:
        raise InputError(f"{', '.join(counts)}: line n of each must belong to the same sentence")
    if 0 in lines_by_path.values():
        raise InputError(f"{', '.join(counts)}: there is nothing to score; name other files")


def hash_sentences(sources: Iterable[str], references: Iterable[tuple[str, ...]]) -> str:
    """Returns one SHA-256 of all sentences, in order."""
    digest = hashlib.sha256()
    for source, texts in zip(sources, references, strict=True):
        digest.update(json.dumps([source, *texts]).encode() + b"\n")
    return digest.hexdigest()


def _refuse_blank(path: Path, lines: Sequence[str]) -> None:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            raise InputError(f"{path}, line {number}, is empty: take it out of all files")


def _without_blank(row: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the references with "" for blank ones; the first is never missing."""
    texts = [text if text.strip() else "" for text in row]
    return tuple(sorted(texts, key=lambda text: not text))
