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
from tracelate.corpus.splitting import Places, places_of


class Part(NamedTuple):
    """The cleaned pairs of one file of the raw corpus."""

    path: Path
    """An Arrow file of those that the rules for one pair keep."""
    kept: NDArray[np.bool_]
    """True for each of its pairs that is kept in the end; the arrays below are of those alone."""
    sources: Keys
    groups: Places

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
) -> Part:
    """Cleans the pairs of a file, and writes those that the rules for one pair keep to `spool`.

    `batches` has them beside those that are dropped as shifted lines.
    """
    sources: list[Keys] = []
    groups: list[Places] = []
    with pa.OSFile(str(spool), "wb") as file, pa.ipc.new_stream(file, SCHEMA) as writer:
        for batch, shifted in batches:
            cleaner.drop_shifted(shifted)
            kept = cleaner.keep_rows(batch)
            writer.write_batch(kept)
            sources.append(text_keys(kept["source"]))
            groups.append(places_of(kept["group"], seed))
            advance(batch.num_rows + shifted.num_rows)
    none = np.zeros(0, np.uint64)
    keys, places = np.concatenate([none, *sources]), np.concatenate([none, *groups])
    repeats = cleaner.find_repeats(len(keys))
    if cleaner.observer.wants_pairs:
        for number, rule in enumerate(cleaner.repeat_rules, start=1):
            for batch in _chosen(spool, repeats == number):
                cleaner.observer.dropped(rule, batch)
    first = repeats == 0
    return Part(spool, first, keys[first], places[first])


def _chosen(spool: Path, wanted: NDArray[np.bool_]) -> Iterator[pa.RecordBatch]:
    """Yields the wanted ones of the pairs of a temporary file."""
    start = 0
    with pa.OSFile(str(spool)) as file, pa.ipc.open_stream(file) as reader:
        for batch in reader:
            rows = wanted[start : start + batch.num_rows]
            start += batch.num_rows
            if rows.any():
                yield batch if rows.all() else batch.filter(pa.array(rows))
