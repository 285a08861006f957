"""Leakage: held-out text that is also in the training text, exactly or nearly.

Two sentences are near duplicates if the sets of their character n-grams have a Jaccard similarity
of at least prepare.near_duplicate.similarity; `tracelate.corpus.grams` folds case, digits,
punctuation and spacing first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracelate.config import NearDuplicateConfig
from tracelate.corpus.near_duplicates import Matches, NearIndex
from tracelate.corpus.pairs import Pair, table_of
from tracelate.corpus.repeats import text_keys
from tracelate.errors import InputError

NEAR_HELD_OUT = "near_held_out"
"""The rule that drops training pairs whose source is a near duplicate of one in valid or test."""


class Example(NamedTuple):
    """A near duplicate."""

    held_out: str
    trained: str
    similarity: float


class Leakage(NamedTuple):
    """Pairs of a held-out split whose text is also in train. Percent is of the held-out pairs."""

    exact_source: int
    exact_target: int
    near_source: int
    near_target: int
    exact_source_percent: float
    exact_target_percent: float
    near_source_percent: float
    near_target_percent: float
    examples: list[Example]
    """Near duplicates among the sources, spread evenly from the most to the least similar."""


class LeftOut(NamedTuple):
    """Near duplicates that were dropped from the training text."""

    held_out: int
    """Number of held-out pairs that they were near to."""
    examples: list[Example]


class NearestTexts:
    """The training text that is most similar to each held-out text, of those added so far."""

    def __init__(self, texts: pa.StringArray, config: NearDuplicateConfig) -> None:
        self._texts = texts
        self._index = NearIndex(texts, config)
        self._similarities = np.zeros(len(texts))
        self._trained: dict[int, str] = {}
        keys = text_keys(texts)
        self._keys, self._places = np.unique(keys, return_inverse=True)
        self._is_found = np.zeros(len(self._keys), bool)

    def add(self, trained: pa.StringArray) -> NDArray[np.bool_]:
        """Looks training texts up; returns True for those that are near a held-out one."""
        matches = self._index.find(trained)
        self._note(matches, trained)
        if len(self._keys):
            keys = text_keys(trained)
            places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
            self._is_found[places[self._keys[places] == keys]] = True
        is_near = np.zeros(len(trained), bool)
        is_near[matches.texts] = True
        return is_near

    @property
    def is_exact(self) -> NDArray[np.bool_]:
        """True for each held-out text that a training text equals."""
        return np.asarray(self._is_found[self._places])

    @property
    def is_near(self) -> NDArray[np.bool_]:
        """True for each held-out text that a training text is near to."""
        return self._similarities > 0

    def examples(self, rows: slice, count: int = 5) -> list[Example]:
        """Returns up to `count` near duplicates of these held-out texts, spread evenly from the
        most to the least similar.
        """
        near = np.flatnonzero(self.is_near[rows]) + rows.start
        near = near[np.argsort(-self._similarities[near], kind="stable")]
        return [
            Example(
                self._texts[int(place)].as_py(),
                self._trained[int(place)],
                round(float(self._similarities[place]), 3),
            )
            for place in near[:: max(1, len(near) // count)][:count]
        ]

    def _note(self, matches: Matches, trained: pa.StringArray) -> None:
        """Notes the most similar of the matches for each held-out text; the first of equals."""
        order = np.lexsort((matches.texts, -matches.similarities, matches.indexed))
        held, first = np.unique(matches.indexed[order], return_index=True)
        best = order[first]
        is_better = matches.similarities[best] > self._similarities[held]
        held, best = held[is_better], best[is_better]
        self._similarities[held] = matches.similarities[best]
        texts = trained.take(pa.array(matches.texts[best])).to_pylist()
        self._trained.update(zip(held.tolist(), texts, strict=True))


class LeakageMeter:
    """Measures the leakage of held-out pairs into training pairs, which are added in batches."""

    def __init__(
        self, held_out: pa.Table, config: NearDuplicateConfig, *, drop_near: bool = False
    ) -> None:
        """With `drop_near`, pairs whose source is near to a held-out one are no training pairs."""
        self._drops = drop_near
        self._sources = NearestTexts(_column(held_out, "source"), config)
        self._targets = NearestTexts(_column(held_out, "target"), config)
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._waiting: Future[NDArray[np.bool_]] | None = None

    def add(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        """Adds training pairs. Returns True for those that are left out because they are near."""
        is_near = self._sources.add(batch["source"])
        if not self._drops:
            is_near[:] = False
        self._finish()
        # beside the sources of the next batch: most of the time is spent in numpy
        targets = batch["target"].filter(pa.array(~is_near))
        self._waiting = self._thread.submit(self._targets.add, targets)
        return is_near

    def _finish(self) -> None:
        """Waits for the targets of the batch before."""
        if self._waiting is not None:
            self._waiting.result()

    def leakage(self, rows: slice) -> Leakage:
        """Returns that of some of the held-out pairs, without that of pairs that were left out."""
        self._finish()
        sources, targets = self._sources, self._targets
        exact_source = 0 if self._drops else int(sources.is_exact[rows].sum())
        near_source = 0 if self._drops else int(sources.is_near[rows].sum())
        exact_target = int(targets.is_exact[rows].sum())
        near_target = int(targets.is_near[rows].sum())
        pairs = rows.stop - rows.start
        return Leakage(
            exact_source=exact_source,
            exact_target=exact_target,
            near_source=near_source,
            near_target=near_target,
            exact_source_percent=100 * exact_source / pairs,
            exact_target_percent=100 * exact_target / pairs,
            near_source_percent=100 * near_source / pairs,
            near_target_percent=100 * near_target / pairs,
            examples=[] if self._drops else sources.examples(rows),
        )

    def left_out(self, rows: slice) -> LeftOut:
        """Returns the held-out pairs that pairs which were left out are near to."""
        if not self._drops:
            return LeftOut(0, [])
        return LeftOut(int(self._sources.is_near[rows].sum()), self._sources.examples(rows))


def measure_leakage(
    held_out: Sequence[Pair],
    train: Iterable[pa.RecordBatch],
    config: NearDuplicateConfig,
    *,
    advance: Callable[[int], object] = lambda count: None,
) -> Leakage:
    """Counts the held-out pairs whose text is also in train.

    `advance` is called with the number of training pairs that were looked up since its last call.
    """
    meter = LeakageMeter(table_of(held_out), config)
    for batch in train:
        meter.add(batch)
        advance(batch.num_rows)
    return meter.leakage(slice(0, len(held_out)))


def refuse_leakage(leakage: Leakage, max_near_percent: float) -> None:
    """Raises InputError, with up to three examples, if too much of the test split has leaked."""
    if (line := too_much_leakage("test", leakage, max_near_percent)) is not None:
        raise InputError(f"{line}; set prepare.near_leakage to drop, or raise the limit")


def too_much_leakage(split: str, leakage: Leakage, max_near_percent: float) -> str | None:
    """Returns a line about leakage above the limit, with up to three examples; None if below."""
    if leakage.near_source_percent <= max_near_percent:
        return None
    examples = "; ".join(
        f"{example.held_out!r} is similar to {example.trained!r}"
        for example in leakage.examples[:3]
    )
    return (
        f"{leakage.near_source_percent:.1f} % of the {split} sentences have a near duplicate in "
        f"train, above prepare.max_near_leakage_percent {max_near_percent:g}: {examples}"
    )


def _column(table: pa.Table, name: str) -> pa.StringArray:
    column = table[name].combine_chunks()
    return column if isinstance(column, pa.StringArray) else pa.concat_arrays(column.chunks)
