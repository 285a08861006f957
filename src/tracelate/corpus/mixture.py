"""The shares of several sources in a corpus: their pairs, how many are taken, and how often.

The origin and the group of each pair begin with the name of its source. What is taken depends on
the text of a pair alone, so that it stays the same when pairs or sources are added.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tracelate.corpus.pairs import SCHEMA, TIME
from tracelate.corpus.provenance import Share
from tracelate.corpus.raw import SPLITS
from tracelate.errors import InputError

NAME_MARK = ":"
"""Parts the name of a source from the rest of an origin or group."""
FOR_LIMIT, FOR_WEIGHT = "max_pairs", "weight"
"""Two uses of a pair's place, which must not depend on each other."""


def with_name(table: pa.Table, name: str) -> pa.Table:
    """Returns the pairs with the source's name before each group and origin."""
    prefix = pa.scalar(f"{name}{NAME_MARK}")
    for column in ("group", "origin"):
        named = pc.binary_join_element_wise(prefix, table[column], "")
        table = table.set_column(table.schema.get_field_index(column), column, named)
    return table.cast(SCHEMA if TIME.name not in table.column_names else SCHEMA.append(TIME))


def source_of(origin: str) -> str:
    """Returns the name of the source of a pair from several sources."""
    return origin.partition(NAME_MARK)[0]


def take_pairs(table: pa.Table, most: int) -> pa.Table:
    """Returns at most so many pairs, in their order: those with the lowest places."""
    if table.num_rows <= most:
        return table
    places = np.fromiter(
        (
            place_of_pair(source, target, FOR_LIMIT)
            for batch in table.select(["source", "target"]).to_batches(max_chunksize=10_000)
            for source, target in zip(*map(pa.Array.to_pylist, batch.columns), strict=True)
        ),
        dtype=np.float64,
        count=table.num_rows,
    )
    is_taken = np.zeros(table.num_rows, dtype=bool)
    is_taken[np.argsort(places, kind="stable")[:most]] = True
    return table.filter(pa.array(is_taken))  # `take` would join columns of more than 2 GiB


def place_of_pair(source: str, target: str, use: str) -> float:
    """Returns a number from 0 to 1, the latter excluded, that both texts and the use decide."""
    text = "\0".join((use, source, target)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) / 2**64


class Mixture:
    """The shares of several sources while prepare writes the splits; those of one count nothing."""

    def __init__(self, shares: Mapping[str, Share]) -> None:
        """`shares` has the share of each source by name, and is empty for a corpus of one."""
        self.shares = shares
        self._kept = {split: Counter[str]() for split in SPLITS}
        self._trained = Counter[str]()

    @property
    def training_pairs(self) -> int:
        """Number of training pairs as they were written: as often as the weights say."""
        return self._trained.total()

    def copies(self, batch: pa.RecordBatch) -> NDArray[np.int64]:
        """Returns how often each training pair is written."""
        if not self.shares:
            return np.ones(batch.num_rows, np.int64)
        columns = (batch[name].to_pylist() for name in ("source", "target", "origin"))
        return np.fromiter(
            (
                _copies(source, target, self.shares[source_of(origin)].weight)
                for source, target, origin in zip(*columns, strict=True)
            ),
            np.int64,
            batch.num_rows,
        )

    def count(self, split: str, table: pa.Table) -> None:
        """Counts the pairs that a split keeps, each once."""
        self._kept[split].update(self._sources_in(table))

    def count_training(self, batch: pa.Table | pa.RecordBatch) -> None:
        """Counts training pairs as they are written."""
        self._trained.update(self._sources_in(batch))

    def refuse_without_training(self) -> None:
        """Raises InputError if the weights leave no training pair."""
        if self.shares and not self._trained:
            raise InputError(
                f"the weights of download.sources leave none of {self._kept['train'].total():,} "
                "training pairs: raise them"
            )

    def report(self) -> dict[str, Any]:
        """Returns for each source the pairs that were read and kept, by split, its weight, and its
        pairs in the training text; nothing for a corpus of one source.
        """
        return {
            name: {
                "read": dict(share.pairs),
                "kept": {split: counted[name] for split, counted in self._kept.items()},
                "weight": share.weight,
                "training_pairs": self._trained[name],
            }
            for name, share in self.shares.items()
        }

    def _sources_in(self, pairs: pa.Table | pa.RecordBatch) -> dict[str, int]:
        if not self.shares:
            return {}
        names = pc.list_element(pc.split_pattern(pairs["origin"], NAME_MARK, max_splits=1), 0)
        return {one["values"]: one["counts"] for one in pc.value_counts(names).to_pylist()}


def _copies(source: str, target: str, weight: float) -> int:
    whole = int(weight)
    rest = weight - whole
    return whole + (rest > 0 and place_of_pair(source, target, FOR_WEIGHT) < rest)
