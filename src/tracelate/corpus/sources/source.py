"""A source of sentence pairs: the protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from tracelate.corpus.pairs import Pair
from tracelate.corpus.provenance import Provenance


class Corpus(NamedTuple):
    splits: Mapping[str, Sequence[Pair]]
    """Under "all", or under those of train, valid and test that are ready-made."""
    provenance: Provenance


class CorpusSource(Protocol):
    """Somewhere that sentence pairs come from."""

    def read(self) -> Corpus:
        """Fetches what is not here yet. Raises InputError when it cannot."""


def count_pairs(splits: Mapping[str, Sequence[Pair]]) -> dict[str, int]:
    """Returns the number of pairs by split."""
    return {split: len(pairs) for split, pairs in splits.items()}
