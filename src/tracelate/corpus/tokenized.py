"""Pairs of token ids, and how they lie in parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tracelate.config import TokenizeConfig
from tracelate.corpus.pairs import Pair, read_table, write_table
from tracelate.corpus.tokenizer import SLOTS, SubwordTokenizer
from tracelate.text.slots import same_placeholders, shared_placeholders, split_slots


class TokenizedPair(NamedTuple):
    """Ids without special tokens."""

    source_ids: list[int]
    target_ids: list[int]
    placeholders: tuple[str, ...] = ()
    """Text of each slot in the ids, the first slot's first."""


_SCHEMA = pa.schema(
    {
        "source_ids": pa.list_(pa.int32()),
        "target_ids": pa.list_(pa.int32()),
        "source_length": pa.int32(),
        "target_length": pa.int32(),
    }
)
_PLACEHOLDERS = pa.field("placeholders", pa.list_(pa.string()))
"""Column of files with a pair that has slots."""


class IdLists(NamedTuple):
    """Lists of ids of different lengths, one after the other: list n is from offset n to n + 1.

    N lists, I ids of all of them.
    """

    ids_I: NDArray[np.int32]
    offsets_N1: NDArray[np.int64]
    """N + 1 places in `ids_I`."""

    @property
    def lengths_N(self) -> NDArray[np.int64]:
        return np.diff(self.offsets_N1)

    def lengths_of(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the lengths of some lists, without looking at the others."""
        return self.offsets_N1[places + 1] - self.offsets_N1[places]


class TokenizedPairs(Sequence[TokenizedPair]):
    """Pairs of ids in flat arrays: some 4 bytes an id, and no Python object a pair."""

    def __init__(self, table: pa.Table) -> None:
        """Takes a table with the columns of the files."""
        self.sources = _id_lists(table["source_ids"])
        self.targets = _id_lists(table["target_ids"])
        self._placeholders = (
            table[_PLACEHOLDERS.name].combine_chunks()
            if _PLACEHOLDERS.name in table.column_names
            else None
        )

    @classmethod
    def of(cls, pairs: Sequence[TokenizedPair]) -> TokenizedPairs:
        return cls(_table(pairs))

    def __len__(self) -> int:
        return len(self.sources.offsets_N1) - 1

    @overload
    def __getitem__(self, place: int) -> TokenizedPair: ...
    @overload
    def __getitem__(self, place: slice) -> list[TokenizedPair]: ...
    def __getitem__(self, place: int | slice) -> TokenizedPair | list[TokenizedPair]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        if not 0 <= place < len(self):
            raise IndexError(f"pair {place} of {len(self)}")
        both = (
            lists.ids_I[lists.offsets_N1[place] : lists.offsets_N1[place + 1]].tolist()
            for lists in (self.sources, self.targets)
        )
        return TokenizedPair(*both, *self.placeholders([place]))

    @property
    def lengths_N(self) -> NDArray[np.int64]:
        """The length of each pair's longer side, its end token included."""
        return np.maximum(self.sources.lengths_N, self.targets.lengths_N) + 1

    def placeholders(self, places: Sequence[int] | NDArray[np.int64]) -> list[tuple[str, ...]]:
        """Returns the text of the slots in each of these pairs."""
        if self._placeholders is None:
            return [()] * len(places)
        return [tuple(one) for one in self._placeholders.take(pa.array(places)).to_pylist()]


def read_tokenized(path: Path) -> TokenizedPairs:
    return TokenizedPairs(read_table(path, _SCHEMA, optional=[_PLACEHOLDERS]))


def write_tokenized(path: Path, pairs: Sequence[TokenizedPair]) -> None:
    """Writes the same bytes for the same pairs."""
    write_table(path, _table(pairs))


def _table(pairs: Sequence[TokenizedPair]) -> pa.Table:
    columns: list[list[object]] = [
        [pair.source_ids for pair in pairs],
        [pair.target_ids for pair in pairs],
        [len(pair.source_ids) for pair in pairs],
        [len(pair.target_ids) for pair in pairs],
    ]
    schema = _SCHEMA
    if any(pair.placeholders for pair in pairs):
        columns.append([pair.placeholders for pair in pairs])
        schema = _SCHEMA.append(_PLACEHOLDERS)
    return pa.table(columns, schema=schema)


def _id_lists(column: pa.ChunkedArray) -> IdLists:
    """Returns the lists of a column, whose chunks may hold up to 2**31 ids each."""
    chunks = [column.chunk(number) for number in range(column.num_chunks)]
    ids = [chunk.flatten().to_numpy() for chunk in chunks]
    lengths = [pc.list_value_length(chunk).to_numpy() for chunk in chunks]
    offsets_N1 = np.zeros(len(column) + 1, dtype=np.int64)
    np.cumsum(np.concatenate([np.zeros(0, np.int32), *lengths]), out=offsets_N1[1:])
    return IdLists(np.concatenate([np.zeros(0, np.int32), *ids]), offsets_N1)


def learn_tokenizer(pairs: Sequence[Pair], config: TokenizeConfig) -> SubwordTokenizer:
    """Learns the vocabulary of the training pairs, both languages together.

    No piece is learnt from placeholders that have slots.
    """
    slot_count = SLOTS if config.placeholders == "copy" else 0
    texts = (
        part
        for pair in pairs
        for placeholders in [shared_placeholders(pair.source, pair.target)[:slot_count]]
        for side in (pair.source, pair.target)
        for part in split_slots(side, placeholders)
        if isinstance(part, str)
    )
    return SubwordTokenizer.train(texts, config.vocabulary_size, config.min_frequency, slot_count)


def tokenize_pairs(tokenizer: SubwordTokenizer, pairs: Sequence[Pair]) -> list[TokenizedPair]:
    """Encodes both sides, with the same slots.

    A placeholder that the target has not as often as the source stays text on both sides: a slot
    would teach the model to drop or double it, and the rest of the pair is worth training on.
    """
    shared = [
        shared_placeholders(pair.source, pair.target)[: len(tokenizer.slots)] for pair in pairs
    ]
    sources = tokenizer.encode_with([pair.source for pair in pairs], shared)
    targets = tokenizer.encode_with([pair.target for pair in pairs], shared)
    return [
        TokenizedPair(source.ids, target.ids, source.placeholders)
        for source, target in zip(sources, targets, strict=True)
    ]


def count_differing(pairs: Sequence[Pair]) -> int:
    """Returns the number of pairs with a placeholder that one side has more often."""
    return sum(not same_placeholders(pair.source, pair.target) for pair in pairs)
