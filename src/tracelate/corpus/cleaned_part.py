"""The cleaned pairs of one file of the raw corpus, in a temporary file until all are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracelate.corpus.cleaning import Cleaner
from tracelate.corpus.pairs import SCHEMA
from tracelate.corpus.repeats import Keys, text_keys
from tracelate.corpus.row_splitting import RowSplitter
from tracelate.corpus.splitting import Codes, Places, places_of
from tracelate.corpus.time_splitting import Times, times_of


class Part(NamedTuple):
    """The cleaned pairs of one file of the raw corpus."""

    path: Path
    """An Arrow file of those that the rules for one pair keep."""
    kept: NDArray[np.bool_]
    """True for each of its pairs that is kept in the end; the arrays below are of those alone."""
    sources: Keys
    groups: Places
    split: Codes | None
    """The split of each, if it was known before repeats were dropped."""

    def batches(self, chosen: NDArray[np.bool_]) -> Iterator[pa.RecordBatch]:
        """Returns the chosen pairs of those that are kept."""
        wanted = np.zeros(len(self.kept), bool)
        wanted[self.kept] = chosen
        return _chosen(self.path, wanted)


def clean_part(
    batches: Iterable[tuple[pa.RecordBatch, pa.RecordBatch]],
    spool: Path,
    cleaner: Cleaner,
    seed: int,
    advance: Callable[[int], object],
    splitter: RowSplitter | None = None,
) -> Part:
    """Cleans the pairs of a file, and writes those that the rules for one pair keep to `spool`.

    `batches` has them beside those that are dropped as shifted lines. With a `splitter`, pairs are
    split before repeats are dropped; of repeated ones, one in test, or else in valid, is kept.
    """
    sources: list[Keys] = []
    groups: list[Places] = []
    times: list[Times] = []
    with pa.OSFile(str(spool), "wb") as file, pa.ipc.new_stream(file, SCHEMA) as writer:
        for batch, shifted in batches:
            cleaner.drop_shifted(shifted)
            kept = cleaner.keep_rows(batch)
            writer.write_batch(kept.select(SCHEMA.names))
            sources.append(text_keys(kept["source"]))
            groups.append(places_of(kept["group"], seed))
            if splitter is not None and splitter.wants_times:
                times.append(times_of(kept))
            advance(batch.num_rows + shifted.num_rows)
    none = np.zeros(0, np.uint64)
    keys, places = np.concatenate([none, *sources]), np.concatenate([none, *groups])
    codes, order = None, None
    if splitter is not None:
        codes = splitter.split(places, np.concatenate([np.zeros(0, np.int64), *times]))
        order = np.argsort(-codes.astype(np.int8), kind="stable")
    repeats = cleaner.find_repeats(len(keys), order)
    if cleaner.observer.wants_pairs:
        for number, rule in enumerate(cleaner.repeat_rules, start=1):
            for batch in _chosen(spool, repeats == number):
                cleaner.observer.dropped(rule, batch)
    first = repeats == 0
    split = None if codes is None else codes[first]
    return Part(spool, first, keys[first], places[first], split)


def _chosen(spool: Path, wanted: NDArray[np.bool_]) -> Iterator[pa.RecordBatch]:
    """Yields the wanted ones of the pairs of a temporary file."""
    start = 0
    with pa.OSFile(str(spool)) as file, pa.ipc.open_stream(file) as reader:
        for batch in reader:
            rows = wanted[start : start + batch.num_rows]
            start += batch.num_rows
            if rows.any():
                yield batch if rows.all() else batch.filter(pa.array(rows))
