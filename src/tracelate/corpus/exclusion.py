"""Pairs that are wanted out of a corpus, by their text or by the file that they came from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tracelate.text.normaliser import Normaliser

PLACE_MARK = ":"
"""Parts a file from the place in it, in the origin of a pair."""


class PairSelection(NamedTuple):
    """Pairs with one of the texts on either side, and pairs from one of the origins."""

    texts: frozenset[str]
    """Whole texts. They are compared as they are: see `normalised`."""
    origins: tuple[str, ...]
    """Files, or places in them, as the column `origin` of the corpus names them."""

    def normalised(self, normaliser: Normaliser) -> PairSelection:
        """Returns the pairs to look for in text that the normaliser has treated."""
        return self._replace(texts=frozenset(map(normaliser, self.texts)))

    def count_in(self, path: Path) -> int:
        """Returns the number of its pairs in a parquet file, which is read in parts."""
        columns = ["source", "target", "origin"]
        batches = pq.ParquetFile(path).iter_batches(columns=columns)
        return sum(pc.sum(self.matches(batch)).as_py() or 0 for batch in batches)

    def matches(self, batch: pa.RecordBatch) -> pa.BooleanArray:
        """Returns True for each pair of the batch that is selected."""
        texts = pa.array(sorted(self.texts), pa.string())
        found = pc.or_(pc.is_in(batch["source"], texts), pc.is_in(batch["target"], texts))
        for origin in self.origins:
            within = pc.starts_with(batch["origin"], origin + PLACE_MARK)
            found = pc.or_(found, pc.or_(pc.equal(batch["origin"], origin), within))
        return found


def selection(texts: Iterable[str], origins: Iterable[str]) -> PairSelection:
    return PairSelection(frozenset(texts), tuple(origins))
