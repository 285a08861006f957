"""The outcome of each pair under two settings: the rule that dropped it, or the split it is in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracelate.corpus.pairs import count_pairs, read_batches
from tracelate.corpus.preparing import OnProgress
from tracelate.corpus.raw import SPLITS
from tracelate.corpus.repeats import Keys, text_keys

FIRST_RULE = len(SPLITS)
"""Numbers below this are those of SPLITS."""


class Outcomes:
    """9 bytes a pair: a hash of its origin, and a number of what became of it."""

    def __init__(self) -> None:
        self.names: list[str] = list(SPLITS)
        """Of the numbers: splits, then rules."""
        self._keys: list[Keys] = []
        self._codes: list[NDArray[np.uint8]] = []

    def add(self, name: str, batch: pa.RecordBatch) -> None:
        """Adds pairs with the same outcome."""
        if name not in self.names:
            self.names.append(name)
        self._keys.append(text_keys(batch["origin"]))
        self._codes.append(np.full(batch.num_rows, self.names.index(name), np.uint8))

    def in_order(self) -> tuple[Keys, NDArray[np.uint8]]:
        """Returns all keys, ascending, and their numbers."""
        keys = np.concatenate([np.zeros(0, np.uint64), *self._keys])
        codes = np.concatenate([np.zeros(0, np.uint8), *self._codes])
        order = np.lexsort((codes, keys))
        return keys[order], codes[order]


class ChangedPair(NamedTuple):
    """A pair of the raw corpus that one of two settings keeps."""

    source: str
    target: str
    origin: str
    before: str
    """Its split or the rule that dropped it, with the settings of the project."""
    after: str
    """The same with the others."""


class Comparison(NamedTuple):
    """The pairs that other settings treat differently."""

    only_before: int
    """Number of pairs that the settings of the project keep and the others drop."""
    only_after: int
    other_split: int
    """Number of pairs that both keep, in different splits."""
    lost: list[ChangedPair]
    """Samples of those that only the project's settings keep."""
    gained: list[ChangedPair]
    """Samples of those that only the others keep."""


def compare(
    raw: Mapping[str, Path],
    before: Outcomes,
    after: Outcomes,
    size: int,
    seed: int,
    on_progress: OnProgress = lambda step, done, total: None,
) -> Comparison:
    """Compares what two settings do with the same raw corpus, which is read again for samples of
    at most `size` pairs.
    """
    keys, first = before.in_order()
    _, second = after.in_order()
    kept_before, kept_after = first < FIRST_RULE, second < FIRST_RULE
    groups = [np.flatnonzero(kept_before & ~kept_after), np.flatnonzero(~kept_before & kept_after)]
    draw = np.random.default_rng(seed)
    drawn = [np.sort(draw.choice(rows, min(size, len(rows)), replace=False)) for rows in groups]
    texts = _texts_at(raw, keys[np.concatenate(drawn)], on_progress)
    lost, gained = (
        [
            ChangedPair(*texts[int(keys[row])], before.names[first[row]], after.names[second[row]])
            for row in rows.tolist()
        ]
        for rows in drawn
    )
    both = kept_before & kept_after
    return Comparison(
        only_before=len(groups[0]),
        only_after=len(groups[1]),
        other_split=int((both & (first != second)).sum()),
        lost=lost,
        gained=gained,
    )


def _texts_at(
    raw: Mapping[str, Path], wanted: Keys, on_progress: OnProgress
) -> dict[int, tuple[str, str, str]]:
    """Returns source, target and origin of the pairs with these hashes of their origins."""
    found: dict[int, tuple[str, str, str]] = {}
    total = sum(map(count_pairs, raw.values()))
    for path in raw.values():
        for batch in read_batches(path):
            on_progress("samples of the comparison", batch.num_rows, total)
            keys = text_keys(batch["origin"])
            for row in np.flatnonzero(np.isin(keys, wanted)).tolist():
                values = batch.slice(row, 1).to_pylist()[0]
                texts = values["source"], values["target"], values["origin"]
                found.setdefault(int(keys[row]), texts)
    return found
