"""A source of sentence pairs: the protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from tracelate.corpus.pairs import Pair


class Corpus(NamedTuple):
    splits: Mapping[str, Sequence[Pair]]
    """Under "all", or under those of train, valid and test that are ready-made."""
    provenance: Mapping[str, Any]


class CorpusSource(Protocol):
    """Somewhere that sentence pairs come from."""

    def read(self) -> Corpus:
        """Fetches what is not here yet. Raises InputError when it cannot."""
