"""Words of the training text, by which invented words are recognised."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq

from tracelate.evaluation.behaviour.words import words

ROWS_AT_ONCE = 10_000


def words_in_training(path: Path, texts: Iterable[str]) -> frozenset[str]:
    """Returns the case-folded words of `texts` that occur on the target side of the training split.

    The file is read in parts, so that the RAM depends on `texts` alone.
    """
    wanted = {word for text in texts for word in words(text)}
    known: set[str] = set()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=["target"]):
            trained = words("\n".join(batch.column("target").to_pylist()))
            known |= wanted.intersection(trained)
            if len(known) == len(wanted):
                break
    return frozenset(known)
