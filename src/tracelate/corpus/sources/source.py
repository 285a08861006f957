"""A source of sentence pairs: the protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import pyarrow as pa

from tracelate.corpus.provenance import Provenance


class Corpus(NamedTuple):
    splits: Mapping[str, pa.Table]
    """Tables of pairs: under "all", or under those of train, valid and test that are ready-made."""
    provenance: Provenance
    remarks: Sequence[str] = ()
    """Lines about parts of the corpus that were not read."""


class CorpusSource(Protocol):
    """Somewhere that sentence pairs come from."""

    def read(self) -> Corpus:
        """Fetches what is not here yet. Raises InputError when it cannot."""


def count_pairs(splits: Mapping[str, pa.Table]) -> dict[str, int]:
    """Returns the number of pairs by split."""
    return {split: table.num_rows for split, table in splits.items()}
