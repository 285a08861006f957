"""Near duplicates among very many texts, without comparing each text with each other.

Two texts are near duplicates if the sets of their character n-grams, A and B, have a Jaccard
similarity |A ∩ B| / |A ∪ B| of at least t. Let all n-grams be in one order. Such sets share an
n-gram among the first |A| - ⌈t|A|⌉ + 1 of A and the first |B| - ⌈t|B|⌉ + 1 of B, their prefixes
(Chaudhuri et al. 2006; Bayardo et al. 2007), and so many of them that the rest can bring the common
n-grams to t / (1 + t) (|A| + |B|) (Xiao et al. 2008). With rare n-grams first, few other pairs of
texts do, and each is confirmed by its similarity. Unlike MinHash with locality-sensitive hashing,
this misses none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from tracelate.config import NearDuplicateConfig
from tracelate.corpus.grams import Grams, grams_of

_CANDIDATES = 100_000
"""Pairs of texts that are confirmed at a time; each takes about 1 kB."""

_RANK_BITS = 40
"""Of the number of an n-gram; 23 bits remain for the number of a text."""

Integers = NDArray[np.int64]


class Matches(NamedTuple):
    """Near duplicates: equally long arrays with a value for each pair of texts."""

    texts: Integers
    """Places among the texts that were looked up, ascending."""
    indexed: Integers
    """Places among the texts of the index, ascending for each text that was looked up."""
    similarities: NDArray[np.float64]


class _Prefixes(NamedTuple):
    """The prefixes of texts, in the order of their n-grams."""

    sizes: Integers
    """Number of n-grams of each text."""
    rests: Integers
    """Number of n-grams after the prefix."""
    lasts: Integers
    """Rank of the last n-gram of the prefix; -1 where the index has none of them."""

    @staticmethod
    def of(rows: Integers, ranks: Integers, sizes: Integers, lengths: Integers) -> _Prefixes:
        """Returns those of texts; `rows` and `ranks` are of the n-grams in prefixes, ascending."""
        lasts = np.full(len(sizes), -1)
        lasts[rows] = ranks
        return _Prefixes(sizes, sizes - lengths, lasts)


class NearIndex:
    """Texts to which near duplicates are found. Memory: about 1 kB for a sentence."""

    def __init__(self, texts: pa.StringArray, config: NearDuplicateConfig) -> None:
        self._config = config
        grams = grams_of(texts, config.gram)
        self._sizes = grams.sizes
        known, places, counts = np.unique(grams.hashes, return_inverse=True, return_counts=True)
        self._known = known
        by_rarity = np.lexsort((known, counts))
        self._ranks = np.empty(len(known), np.int64)
        self._ranks[by_rarity] = np.arange(len(known))
        ranks, rows = _ascending(self._ranks[places], grams.rows)
        self._sets = _matrix(ranks, rows, len(texts), len(known))
        lengths = self._prefix_lengths(grams.sizes)
        in_prefix = _places_in_row(rows, grams.sizes) < lengths[rows]
        self._prefixes = _Prefixes.of(rows[in_prefix], ranks[in_prefix], grams.sizes, lengths)
        order = np.argsort(ranks[in_prefix], kind="stable")
        self._postings = rows[in_prefix][order]
        posted = np.bincount(ranks[in_prefix], minlength=len(known))
        self._bounds = np.concatenate(([0], np.cumsum(posted)))

    def find(self, texts: pa.StringArray) -> Matches:
        """Returns all near duplicates among the texts and those of the index."""
        if not len(texts) or not len(self._known):
            return _no_matches()
        grams = grams_of(texts, self._config.gram)
        ranks, rows, unknown = self._known_grams(grams)
        sets = _matrix(ranks, rows, len(texts), len(self._known))
        # n-grams that the index lacks are the rarest, and come first in the order
        lengths = self._prefix_lengths(grams.sizes)
        in_prefix = _places_in_row(rows, grams.sizes - unknown) < (lengths - unknown)[rows]
        rows, ranks = rows[in_prefix], ranks[in_prefix]
        prefixes = _Prefixes.of(rows, ranks, grams.sizes, lengths)
        candidates = self._candidates(rows, ranks, prefixes)
        return _joined([self._similar(*pairs, sets, grams.sizes) for pairs in candidates])

    def _known_grams(self, grams: Grams) -> tuple[Integers, Integers, Integers]:
        """Returns the ranks of the n-grams that the index has, ascending in each text; their texts;
        and the number of the other n-grams of each text.
        """
        places = np.searchsorted(self._known, grams.hashes)
        places[places == len(self._known)] = 0
        is_known = self._known[places] == grams.hashes
        rows = grams.rows[is_known]
        unknown = grams.sizes - np.bincount(rows, minlength=len(grams.sizes))
        return *_ascending(self._ranks[places[is_known]], rows), unknown

    def _candidates(
        self, rows: Integers, ranks: Integers, prefixes: _Prefixes
    ) -> Iterator[tuple[Integers, Integers]]:
        """Yields texts and indexed texts that have enough n-grams of their prefixes in common."""
        counts = self._bounds[ranks + 1] - self._bounds[ranks]
        for part in _parts(rows, counts, 20 * _CANDIDATES):
            postings = self._postings[_ranges(self._bounds[ranks[part]], counts[part])]
            keys = np.repeat(rows[part], counts[part]) * len(self._sizes) + postings
            keys, common = np.unique(keys, return_counts=True)
            texts, indexed = np.divmod(keys, len(self._sizes))
            sizes, others = prefixes.sizes[texts], self._sizes[indexed]
            # after the lower of their last n-grams, one of them has only its rest
            is_first = prefixes.lasts[texts] <= self._prefixes.lasts[indexed]
            rest = np.where(is_first, prefixes.rests[texts], self._prefixes.rests[indexed])
            limit = self._config.similarity
            needed = limit / (1 + limit) * (sizes + others) - 1e-9
            similar_sizes = np.minimum(sizes, others) >= limit * np.maximum(sizes, others) - 1e-9
            possible = np.flatnonzero(similar_sizes & (common + rest >= needed))
            for start in range(0, len(possible), _CANDIDATES):
                chosen = possible[start : start + _CANDIDATES]
                yield texts[chosen], indexed[chosen]

    def _similar(
        self, texts: Integers, indexed: Integers, sets: sparse.csr_array, sizes: Integers
    ) -> Matches:
        common = np.asarray(sets[texts].multiply(self._sets[indexed]).sum(axis=1)).reshape(-1)
        similarities = common / (sizes[texts] + self._sizes[indexed] - common)
        near = similarities >= self._config.similarity
        return Matches(texts[near], indexed[near], similarities[near])

    def _prefix_lengths(self, sizes: Integers) -> Integers:
        # a little less than the product, which may be rounded up above a whole number
        needed = np.ceil(self._config.similarity * sizes - 1e-9).astype(np.int64)
        return np.asarray(sizes - needed + 1)


def _no_matches() -> Matches:
    none = np.zeros(0, np.int64)
    return Matches(none, none, np.zeros(0))


def _joined(parts: list[Matches]) -> Matches:
    return Matches(*map(np.concatenate, zip(*parts, strict=True))) if parts else _no_matches()


def _ascending(ranks: Integers, rows: Integers) -> tuple[Integers, Integers]:
    """Returns the ranks in ascending order in each row, and their rows."""
    keys = np.sort((rows << _RANK_BITS) | ranks)
    return keys & (2**_RANK_BITS - 1), keys >> _RANK_BITS


def _matrix(ranks: Integers, rows: Integers, height: int, width: int) -> sparse.csr_array:
    """Returns a row for each text, with a 1 for each of its n-grams."""
    ends = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=height))))
    return sparse.csr_array((np.ones(len(ranks), np.int32), ranks, ends), shape=(height, width))


def _places_in_row(rows: Integers, sizes: Integers) -> Integers:
    """Returns the place of each element in its row; rows are sorted, of these sizes."""
    begins = np.concatenate(([0], np.cumsum(sizes)))
    return np.asarray(np.arange(len(rows)) - begins[rows])


def _ranges(begins: Integers, counts: Integers) -> Integers:
    """Returns begin, begin + 1, … of each range, one range after the other."""
    before = np.concatenate(([0], np.cumsum(counts)[:-1]))
    return np.asarray(np.arange(counts.sum()) + np.repeat(begins - before, counts))


def _parts(rows: Integers, counts: Integers, most: int) -> Iterator[slice]:
    """Yields slices of whole rows with about `most` counted elements each, or one row."""
    start = 0
    totals = np.cumsum(counts)
    while start < len(rows):
        before = totals[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(totals, before + most, side="right")))
        stop = int(np.searchsorted(rows, rows[stop - 1], side="right"))
        yield slice(start, stop)
        start = stop
