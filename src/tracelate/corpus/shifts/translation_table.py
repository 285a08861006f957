"""Word translation probabilities of IBM Model 1, from some pairs of a corpus.

Brown et al. 1993, "The mathematics of statistical machine translation"; Moore 2002, "Fast and
accurate sentence alignment of bilingual corpora", uses it with sentence lengths as is done here.
Words are hashes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tracelate.corpus.shifts.words import Hashes, Words

FEWEST = 3
"""Occurrences in the sample of a word that the table has."""
ITERATIONS = 4
MOST_LINKS = 3_000_000
"""Number of pairs of a source word and a target word that are learned from; each takes 50 bytes."""
LEAST_PROBABILITY = 1e-3
"""Smaller probabilities are left out."""
UNLINKED = 0.1
"""Probability that a target word is due to none of the source's."""


class TranslationTable(NamedTuple):
    """Ratios t(v | w) / q(v) of a target word v, given a source word w and in any text."""

    source_words: Hashes
    """Ascending; so are those of the target."""
    target_words: Hashes
    ratios: sparse.csr_array
    """Source words by target words."""

    def expected(self, sources: Words) -> sparse.csr_array:
        """Returns for each text the mean ratio of each target word over the text's words."""
        counts = np.bincount(sources.rows, minlength=sources.texts)
        means = sparse.diags_array(1 / np.maximum(counts, 1))
        return sparse.csr_array(means @ (occurrences(sources, self.source_words) @ self.ratios))

    def present(self, targets: Words) -> sparse.csr_array:
        """Returns 1 for each target word that a text has."""
        return occurrences(targets, self.target_words)


def log_likelihood_ratio(
    expected: sparse.csr_array, present: sparse.csr_array
) -> NDArray[np.float64]:
    """Returns for each pair the mean over its target words of the logarithm of their probability as
    a translation of the source, divided by that in any text, times the root of their number.

    The root is because words of a text depend on each other. Both have a row for each pair.
    """
    linked = sparse.csr_array(expected.multiply(present))
    linked.data = np.log1p((1 - UNLINKED) / UNLINKED * linked.data)
    words = np.maximum(np.diff(present.indptr), 1)
    sums = np.asarray(linked.sum(axis=1)).reshape(-1) + np.diff(present.indptr) * np.log(UNLINKED)
    return np.asarray(sums / np.sqrt(words))


def learn_table(sources: Words, targets: Words) -> TranslationTable:
    """Returns the table of pairs: text i of the targets translates text i of the sources.

    Of more than MOST_LINKS pairs of words, the first are learned from.
    """
    source_words, target_words = _frequent(sources.hashes), _frequent(targets.hashes)
    given = sparse.coo_array(occurrences(sources, source_words))
    found = sparse.coo_array(occurrences(targets, target_words))
    given_rows, found_rows = given.coords[0], found.coords[0]
    words_in = np.bincount(given_rows, minlength=sources.texts)
    begins = np.concatenate(([0], np.cumsum(words_in)))
    counts = words_in[found_rows]
    counts[np.cumsum(counts) > MOST_LINKS] = 0
    # each source word of a text with each of its target words
    tokens = np.repeat(np.arange(len(counts)), counts)
    places = np.arange(len(tokens)) - np.repeat(np.cumsum(counts) - counts, counts)
    in_source = given.coords[1][begins[found_rows[tokens]] + places].astype(np.int64)
    links = in_source * len(target_words) + found.coords[1][tokens]
    pairs, link_of = np.unique(links, return_inverse=True)
    rows, columns = np.divmod(pairs, max(1, len(target_words)))
    chances: NDArray[np.float64] = 1 / np.bincount(rows, minlength=len(source_words))[rows]
    for _ in range(ITERATIONS):
        shares = chances[link_of]
        shares /= np.bincount(tokens, shares, minlength=len(counts))[tokens]
        chances = np.bincount(link_of, shares, minlength=len(pairs)).astype(np.float64)
        chances /= np.bincount(rows, chances, minlength=len(source_words))[rows]
    likely = chances >= LEAST_PROBABILITY
    frequencies = np.bincount(found.coords[1], minlength=len(target_words)) / max(found.nnz, 1)
    ratios = chances[likely] / frequencies[columns[likely]]
    shape = len(source_words), len(target_words)
    table = sparse.csr_array((ratios, (rows[likely], columns[likely])), shape=shape)
    return TranslationTable(source_words, target_words, table)


def occurrences(words: Words, known: Hashes) -> sparse.csr_array:
    """Returns 1 for each of the known words, which ascend, that a text has."""
    shape = words.texts, len(known)
    if not len(known):
        return sparse.csr_array(shape, dtype=np.float64)
    places = np.minimum(np.searchsorted(known, words.hashes), len(known) - 1)
    is_known = known[places] == words.hashes
    ones = np.ones(int(is_known.sum()))
    matrix = sparse.csr_array((ones, (words.rows[is_known], places[is_known])), shape=shape)
    matrix.data[:] = 1
    return matrix


def _frequent(hashes: Hashes) -> Hashes:
    known, counts = np.unique(hashes, return_counts=True)
    return np.asarray(known[counts >= FEWEST])
