"""Pairs of token ids in flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ids = NDArray[np.integer[Any]]
IDS_OF_16_BITS = 2**16
"""Largest size of a vocabulary whose ids are kept in 16 bits each; others have 32."""
PLACEHOLDERS = "placeholders"
"""Column of files of a tokenizer that has slots."""


class TokenizedPair(NamedTuple):
    """Ids without special tokens."""

    source_ids: list[int]
    target_ids: list[int]
    placeholders: tuple[str, ...] = ()
    """Text of each slot in the ids, the first slot's first."""


class IdLists(NamedTuple):
    """Lists of ids of different lengths, one after the other: list n is from offset n to n + 1.

    N lists, I ids of all of them. The arrays may lie in a file that is mapped into memory.
    """

    ids_I: Ids
    offsets_N1: NDArray[np.int64]
    """N + 1 places in `ids_I`."""

    @property
    def lengths_N(self) -> NDArray[np.int64]:
        return np.diff(self.offsets_N1)

    def lengths_of(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the lengths of some lists, without looking at the others."""
        return self.offsets_N1[places + 1] - self.offsets_N1[places]

    @property
    def id_count(self) -> int:
        """Number of ids of all lists."""
        return int(self.offsets_N1[-1] - self.offsets_N1[0])


class TokenizedPairs(Sequence[TokenizedPair]):
    """Pairs of ids in flat arrays: no Python object a pair."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        """Takes the columns of a file's record batch, without copying them."""
        self.sources = _id_lists(batch["source_ids"])
        self.targets = _id_lists(batch["target_ids"])
        has_slots = PLACEHOLDERS in batch.schema.names
        self._placeholders = batch[PLACEHOLDERS] if has_slots else None

    @classmethod
    def of(cls, pairs: Sequence[TokenizedPair]) -> TokenizedPairs:
        largest = max((max(ids, default=0) for pair in pairs for ids in pair[:2]), default=0)
        has_slots = any(pair.placeholders for pair in pairs)
        return cls(tokenized_batch(pairs, tokenized_schema(largest + 1, has_slots=has_slots)))

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

    def with_ids(
        self, sources: IdLists, targets: IdLists, places_N: NDArray[np.int64]
    ) -> TokenizedPairs:
        """Returns the pairs at these places with other ids, without copying those."""
        columns = {"source_ids": _column(sources), "target_ids": _column(targets)}
        if self._placeholders is not None:
            columns[PLACEHOLDERS] = self._placeholders.take(pa.array(places_N))
        return TokenizedPairs(pa.RecordBatch.from_pydict(columns))

    @property
    def lengths_N(self) -> NDArray[np.int64]:
        """The length of each pair's longer side, its end token included."""
        return np.maximum(self.sources.lengths_N, self.targets.lengths_N) + 1

    def placeholders(self, places: Sequence[int] | NDArray[np.int64]) -> list[tuple[str, ...]]:
        """Returns the text of the slots in each of these pairs."""
        if self._placeholders is None:
            return [()] * len(places)
        return [tuple(one) for one in self._placeholders.take(pa.array(places)).to_pylist()]


def tokenized_schema(vocabulary_size: int, *, has_slots: bool) -> pa.Schema:
    """Returns the columns of pairs of a tokenizer with so many pieces."""
    ids = pa.large_list(pa.uint16() if vocabulary_size <= IDS_OF_16_BITS else pa.int32())
    schema = pa.schema({"source_ids": ids, "target_ids": ids})
    return schema.append(pa.field(PLACEHOLDERS, pa.list_(pa.string()))) if has_slots else schema


def tokenized_batch(pairs: Sequence[TokenizedPair], schema: pa.Schema) -> pa.RecordBatch:
    """Returns the pairs as columns of the schema."""
    columns = [
        _list_array([pair.source_ids for pair in pairs], schema.field("source_ids").type),
        _list_array([pair.target_ids for pair in pairs], schema.field("target_ids").type),
    ]
    if PLACEHOLDERS in schema.names:
        column = [pair.placeholders for pair in pairs]
        columns.append(pa.array(column, schema.field(PLACEHOLDERS).type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _list_array(lists: Sequence[Sequence[int]], kind: pa.DataType) -> pa.Array:
    offsets_N1 = np.zeros(len(lists) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, lists), np.int64, len(lists)), out=offsets_N1[1:])
    ids = chain.from_iterable(lists)
    ids_I = np.fromiter(ids, kind.value_type.to_pandas_dtype(), int(offsets_N1[-1]))
    return pa.LargeListArray.from_arrays(pa.array(offsets_N1), pa.array(ids_I), type=kind)


def _column(lists: IdLists) -> pa.LargeListArray:
    return pa.LargeListArray.from_arrays(pa.array(lists.offsets_N1), pa.array(lists.ids_I))


def _id_lists(column: pa.LargeListArray) -> IdLists:
    return IdLists(column.values.to_numpy(), column.offsets.to_numpy())
