"""Samples of pairs that the same seed draws again, in whatever batches and order they come."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracelate.corpus.pairs import SCHEMA, Pair, pairs_of
from tracelate.corpus.repeats import Keys, joint_keys, text_keys


def drawn_keys(origins: pa.StringArray, seed: int) -> Keys:
    """Returns a number for each origin, which it and the seed alone decide."""
    keys = text_keys(origins)
    return joint_keys(np.full(len(keys), seed, np.uint64), keys) * np.uint64(0xD6E8FEB86659FD93)


class PairSample:
    """The pairs with the lowest numbers of those added, and the number of all."""

    def __init__(self, size: int, seed: int) -> None:
        self._size = size
        self._seed = seed
        self._table = pa.Table.from_batches([], SCHEMA)
        self._keys: Keys = np.zeros(0, np.uint64)
        self.count = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Adds pairs."""
        self.count += batch.num_rows
        keys = np.concatenate([self._keys, drawn_keys(batch["origin"], self._seed)])
        order: NDArray[np.int64] = np.argsort(keys, kind="stable")[: self._size]
        both = pa.concat_tables([self._table, pa.Table.from_batches([batch], SCHEMA)])
        self._table, self._keys = both.take(pa.array(order)), keys[order]

    @property
    def pairs(self) -> list[Pair]:
        """The pairs of the sample, in the order in which they were drawn."""
        return list(pairs_of(self._table))
