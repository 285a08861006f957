"""The most frequent pairs of a corpus, in constant memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracelate.corpus.pairs import count_pairs, read_batches
from tracelate.corpus.preparing import OnProgress
from tracelate.corpus.repeats import Keys, joint_keys, text_keys

MOST_KEYS = 100_000
"""Number of different pairs that are counted at a time."""


class FrequentPair(NamedTuple):
    """A pair, and the times that it occurs."""

    source: str
    target: str
    times: int


class KeyCounts:
    """Counts the keys that are frequent: above MOST_KEYS different ones, the count of each is too
    low by at most the number of all keys divided by MOST_KEYS (Agarwal et al. 2012, "Mergeable
    summaries").
    """

    def __init__(self) -> None:
        self._keys: Keys = np.zeros(0, np.uint64)
        self._counts: NDArray[np.int64] = np.zeros(0, np.int64)

    def add(self, keys: Keys) -> None:
        """Adds keys."""
        new, counts = np.unique(keys, return_counts=True)
        both = np.concatenate([self._keys, new])
        self._keys, places = np.unique(both, return_inverse=True)
        weights = np.concatenate([self._counts, counts])
        self._counts = np.bincount(places, weights, minlength=len(self._keys)).astype(np.int64)
        if len(self._keys) > 2 * MOST_KEYS:
            least = np.partition(self._counts, -MOST_KEYS - 1)[-MOST_KEYS - 1]
            self._counts -= least
            kept = self._counts > 0
            self._keys, self._counts = self._keys[kept], self._counts[kept]

    def most_frequent(self, number: int) -> dict[int, int]:
        """Returns the count of each of the most frequent keys that occur more than once."""
        order = np.lexsort((self._keys, -self._counts))[:number]
        found = zip(self._keys[order].tolist(), self._counts[order].tolist(), strict=True)
        return {key: count for key, count in found if count > 1}


def frequent_pairs(
    raw: Mapping[str, Path],
    number: int,
    on_progress: OnProgress = lambda step, done, total: None,
) -> list[FrequentPair]:
    """Returns the most frequent pairs of the raw corpus, which is read twice."""
    counts = KeyCounts()
    total = sum(map(count_pairs, raw.values()))
    for path in raw.values():
        for batch in read_batches(path):
            counts.add(_keys(batch))
            on_progress("frequent pairs", batch.num_rows, 2 * total)
    wanted = counts.most_frequent(number)
    texts: dict[int, tuple[str, str]] = {}
    for path in raw.values():
        for batch in read_batches(path):
            if len(texts) == len(wanted):
                break
            on_progress("frequent pairs", batch.num_rows, 2 * total)
            keys = _keys(batch)
            missing = np.array([key for key in wanted if key not in texts], np.uint64)
            for row in np.flatnonzero(np.isin(keys, missing)).tolist():
                pair = batch["source"][row].as_py(), batch["target"][row].as_py()
                texts.setdefault(int(keys[row]), pair)
    return [FrequentPair(*texts[key], count) for key, count in wanted.items()]


def _keys(batch: pa.RecordBatch) -> Keys:
    return joint_keys(text_keys(batch["source"]), text_keys(batch["target"]))
