"""The sentences of a further test set, and how they lie in a parquet file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from tracelate.corpus.aligned_files import hash_sentences
from tracelate.corpus.pairs import Pair, read_table, write_table
from tracelate.errors import InputError


class FurtherSet(NamedTuple):
    """A test set besides the corpus's own."""

    pairs: Sequence[Pair]
    """The target of each is its first reference."""
    references: Sequence[tuple[str, ...]]
    """All references of each pair; an empty one is missing, which the first never is."""

    @property
    def sha256(self) -> str:
        """Hash of all sources and references, by which scores on the same text are recognised."""
        return hash_sentences([pair.source for pair in self.pairs], self.references)


def single_references(pairs: Sequence[Pair]) -> FurtherSet:
    """Returns the set of these pairs, each with its target as the only reference."""
    return FurtherSet(pairs, [(pair.target,) for pair in pairs])


_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("references", pa.list_(pa.field("element", pa.string()))),
        ("group", pa.string()),
        ("origin", pa.string()),
    ]
)


def write_further_set(path: Path, further: FurtherSet) -> None:
    """Writes the same bytes for the same set. Raises InputError for text that is no Unicode."""
    columns = {
        "source": [pair.source for pair in further.pairs],
        "references": [list(texts) for texts in further.references],
        "group": [pair.group for pair in further.pairs],
        "origin": [pair.origin for pair in further.pairs],
    }
    try:
        table = pa.table(columns, schema=_SCHEMA)
    except UnicodeEncodeError as error:
        raise InputError(
            f"the test set {path.stem!r} has a character that is incomplete: {error}; correct it"
        ) from error
    write_table(path, table)


def read_further_set(path: Path) -> FurtherSet:
    """Raises InputError if the file is missing, damaged or of another kind."""
    table = read_table(path, _SCHEMA)
    columns = [table[name].to_pylist() for name in _SCHEMA.names]
    pairs, references = [], []
    for source, texts, group, origin in zip(*columns, strict=True):
        if not texts:
            raise InputError(f"{path} has a sentence without a reference: delete it, run dvc repro")
        pairs.append(Pair(source, texts[0], group, origin))
        references.append(tuple(texts))
    return FurtherSet(pairs, references)
