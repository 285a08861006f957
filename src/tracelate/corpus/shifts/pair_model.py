"""The likelihood that a target translates a source, learned from the corpus that they are in.

Three signs are weighed by logistic regression, whose negative examples are neighbours in the
corpus: the lengths (Gale and Church 1993), the words (`translation_table`), and the numbers and
beginnings of words that both sides have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse, special

from tracelate.corpus.code_points import widths
from tracelate.corpus.shifts.translation_table import (
    TranslationTable,
    learn_table,
    log_likelihood_ratio,
)
from tracelate.corpus.shifts.words import Hashes, Integers, Words, words_of

SHIFTS = (-1, 0, 1)
"""Lines from a target to the source that it is compared with."""
RIDGE = 1.0
"""Added to the diagonal of the Hessian of the logistic regression."""
MOST_EVIDENCE = 12.0
"""Largest weight of the shared words of a pair."""

CLEARLY = 0.3
"""Agreement of a block, a correlation and a share of words, by which another shift is better."""
TRIMMED = 5
"""Neighbouring pairs of the sample that are left out together."""
TRIMMINGS = 3
"""Times that the weights are found."""
STEPS = 8
"""Steps of Newton's method."""

Floats = NDArray[np.float64]
Sides = tuple[pa.StringArray, pa.StringArray]


class Texts(NamedTuple):
    """One side of some pairs."""

    lengths: Floats
    """Logarithms of 1 + the width."""
    words: Words


class Lengths(NamedTuple):
    """Normal distribution of the logarithms of the lengths of pairs."""

    source_mean: float
    source_deviation: float
    target_mean: float
    target_deviation: float
    correlation: float

    def log_likelihood_ratio(self, sources: Floats, targets: Floats) -> Floats:
        """Returns the logarithm of the probability of the lengths of a target given its source,
        divided by that given no source.
        """
        x = (sources - self.source_mean) / self.source_deviation
        y = (targets - self.target_mean) / self.target_deviation
        rest = 1 - self.correlation**2
        ratio = y**2 / 2 - (y - self.correlation * x) ** 2 / (2 * rest) - np.log(rest) / 2
        return np.asarray(np.maximum(ratio, -MOST_EVIDENCE))


class PairModel(NamedTuple):
    """The signs and their weights."""

    lengths: Lengths
    table: TranslationTable
    anchors: Hashes
    """Of the sample's targets, ascending."""
    rarities: Floats
    """Negative logarithms of the shares of the sample's targets that have these."""
    rarest: float
    """That of an anchor that the sample lacks."""
    weights: Floats
    """Of the features, and of 1."""

    def log_odds(self, sources: Texts, targets: Texts) -> dict[int, Floats]:
        """Returns for each shift the log-odds that targets translate the sources so many lines
        after them, for all targets but the first and the last.

        The odds are those of a source and a neighbour of equal probability beforehand.
        """
        expected, present = self.table.expected(sources.words), self.table.present(targets.words)
        return {
            shift: self.features(sources, targets, expected, present, shift) @ self.weights
            for shift in SHIFTS
        }

    def features(
        self,
        sources: Texts,
        targets: Texts,
        expected: sparse.csr_array,
        present: sparse.csr_array,
        shift: int,
    ) -> Floats:
        """Returns a row of features for all targets but the first and the last."""
        rows = len(targets.lengths)
        here, there = slice(1, rows - 1), slice(1 + shift, rows - 1 + shift)
        shared, missing = self._anchors(sources.words, targets.words, shift)
        return np.column_stack(
            [
                self.lengths.log_likelihood_ratio(sources.lengths[there], targets.lengths[here]),
                log_likelihood_ratio(expected[there], present[here]),
                shared[here],
                missing[here],
                np.ones(max(0, rows - 2)),
            ]
        )

    def _anchors(self, sources: Words, targets: Words, shift: int) -> tuple[Floats, Floats]:
        """Returns for each target the rarity of the anchors that it shares with its source, and
        the number of those that it does not share, relative to all.
        """
        rows = targets.texts
        has_it = np.isin(
            _with_row(targets.anchors, targets.anchor_rows),
            _with_row(sources.anchors, sources.anchor_rows - shift),
        )
        rarity = self._rarity(targets.anchors) * has_it
        shared = np.bincount(targets.anchor_rows, rarity, minlength=rows)
        counts = np.bincount(targets.anchor_rows, minlength=rows)
        common = np.bincount(targets.anchor_rows, has_it, minlength=rows)
        return np.minimum(shared, MOST_EVIDENCE), (counts - common) / np.maximum(counts, 1)

    def _rarity(self, anchors: Hashes) -> Floats:
        if not len(self.anchors):
            return np.full(len(anchors), self.rarest)
        places = np.minimum(np.searchsorted(self.anchors, anchors), len(self.anchors) - 1)
        is_known = self.anchors[places] == anchors
        return np.where(is_known, self.rarities[places], self.rarest)


def texts_of(texts: pa.StringArray) -> Texts:
    return Texts(np.log1p(widths(texts)), words_of(texts))


def learn_model(blocks: Sequence[pa.RecordBatch]) -> PairModel:
    """Returns the model of pairs, in blocks of neighbours in the corpus.

    The translation table is learned from every second block, and the weights from the others.
    """
    aligned = [_aligned(block["source"], block["target"]) for block in blocks]
    sources, targets = _joined(aligned[::2])
    lengths, table = _lengths(sources, targets), learn_table(sources.words, targets.words)
    anchors, counts = np.unique(targets.words.anchors, return_counts=True)
    rarest = np.log(targets.words.texts + 1)
    rarities = rarest - np.log(counts + 1)
    model = PairModel(lengths, table, anchors, rarities, rarest, np.zeros(5))
    sources, targets = _joined(aligned[1::2])
    expected, present = table.expected(sources.words), table.present(targets.words)
    features = {
        shift: model.features(sources, targets, expected, present, shift) for shift in SHIFTS
    }
    return model._replace(weights=_weights(features))


def _aligned(sources: pa.StringArray, targets: pa.StringArray) -> Sides:
    """Returns the texts without the first or last ones where all the block is shifted."""
    shift = _shift_of(texts_of(sources), texts_of(targets))
    rows = len(sources) - abs(shift)
    return sources.slice(max(0, shift), rows), targets.slice(max(0, -shift), rows)


def _shift_of(sources: Texts, targets: Texts) -> int:
    """Returns the shift of a block: 0 unless lengths and shared words clearly show another."""
    rows = len(targets.lengths)
    agreement = {}
    for shift in SHIFTS:
        here, there = slice(1, rows - 1), slice(1 + shift, rows - 1 + shift)
        x, y = sources.lengths[there], targets.lengths[here]
        spread = x.std() * y.std()
        correlation = ((x - x.mean()) * (y - y.mean())).mean() / spread if spread > 0 else 0.0
        is_shared = np.isin(
            _with_row(targets.words.anchors, targets.words.anchor_rows),
            _with_row(sources.words.anchors, sources.words.anchor_rows - shift),
        )
        agreement[shift] = correlation + (is_shared.mean() if len(is_shared) else 0.0)
    best = max(SHIFTS, key=agreement.__getitem__)
    return best if agreement[best] > agreement[0] + CLEARLY else 0


def _joined(aligned: Sequence[Sides]) -> tuple[Texts, Texts]:
    sources, targets = zip(*aligned, strict=True)
    return texts_of(pa.concat_arrays(sources)), texts_of(pa.concat_arrays(targets))


def _lengths(sources: Texts, targets: Texts) -> Lengths:
    x, y = sources.lengths, targets.lengths
    deviations = max(x.std(), 1e-6), max(y.std(), 1e-6)
    correlation = ((x - x.mean()) * (y - y.mean())).mean() / (deviations[0] * deviations[1])
    return Lengths(
        x.mean(), deviations[0], y.mean(), deviations[1], float(np.clip(correlation, 0, 0.98))
    )


def _weights(features: Mapping[int, Floats]) -> Floats:
    """Returns the weights that tell pairs of shift 0 from the others.

    Neighbouring pairs that another shift fits better are left out, and the rest is weighed again:
    a sample of a corpus with shifted lines has some of them.
    """
    kept = np.ones(len(features[0]), bool)
    for _ in range(TRIMMINGS):
        labels = np.repeat([shift == 0 for shift in features], kept.sum())
        weights = _logistic_regression(
            np.concatenate([rows[kept] for rows in features.values()]), labels
        )
        odds = {shift: rows @ weights for shift, rows in features.items()}
        for shift in (-1, 1):
            kept &= np.convolve(odds[shift] - odds[0], np.ones(TRIMMED), "same") < 0
    return weights


def _logistic_regression(features: Floats, labels: NDArray[np.bool_]) -> Floats:
    """Returns the weights that separate positive from negative examples, found by Newton's method.

    The two kinds count as equally many.
    """
    balance = np.where(labels, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    weights = np.zeros(features.shape[1])
    for _ in range(STEPS):
        chances = special.expit(features @ weights)
        gradient = features.T @ (balance * (labels - chances)) - RIDGE * weights
        curvature = features.T @ (features * (balance * chances * (1 - chances))[:, None])
        weights = weights + np.linalg.solve(curvature + RIDGE * np.eye(len(weights)), gradient)
    return weights


def _with_row(hashes: Hashes, rows: Integers) -> Hashes:
    """Returns hashes of both."""
    return hashes ^ ((rows + 2).astype(np.uint64) * np.uint64(0xD6E8FEB86659FD93))
