"""Sentence statistics of sacrebleu's metrics, and scores computed from their sums.

A bootstrap sample is scored from the sum of its sentences' statistics, so that the n-grams of each
sentence are counted only once. sacrebleu has only private functions for this; no other module calls
them.

Shapes: N sentences, K statistics of a metric for one sentence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tracelate.metric_table import Metric
from tracelate.sacrebleu_metric import sacrebleu_metric

Reference = str | tuple[str, ...]
"""The reference of a sentence, or its several references; at least one of them is not empty."""


class Scorer:
    """Computes one metric with sacrebleu, with one or several references per sentence."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self._sacrebleu = sacrebleu_metric(metric)
        # otherwise sacrebleu has no signature before it has scored a sentence
        self._sacrebleu.num_refs = 1

    def statistics(
        self, hypotheses: Sequence[str], references: Sequence[Reference]
    ) -> NDArray[np.float64]:
        """Returns statistics_NK of the sentences. The signature has their number of references."""
        streams = reference_streams(references)
        counted = self._sacrebleu._extract_corpus_statistics(hypotheses, streams)
        return np.asarray(counted, dtype=np.float64)

    def score(self, sum_K: NDArray[np.float64]) -> float:
        """Returns the score, in percent, of the sentences whose statistics sum to `sum_K`."""
        return float(self._sacrebleu._compute_score_from_stats(sum_K).score)

    def signature(self) -> str:
        """Returns sacrebleu's signature of the score."""
        return str(self._sacrebleu.get_signature())

    def resampled_signature(self, samples: int, seed: int) -> str:
        """Returns sacrebleu's signature of the score with a bootstrap interval."""
        signature = self._sacrebleu.get_signature()
        signature.update("bs", samples)
        signature.update("seed", seed)
        return str(signature)


def present(reference: Reference) -> list[str]:
    """Returns the references of a sentence without the empty ones, which are missing."""
    if isinstance(reference, str):
        return [reference]
    return [one for one in reference if one]


def reference_streams(references: Sequence[Reference]) -> list[list[str | None]]:
    """Returns sacrebleu's form: a list for each reference file, with None for a missing one.

    A sentence may have fewer references than others, and is then scored with those that it has.
    """
    if all(isinstance(one, str) for one in references):
        return [[one for one in references if isinstance(one, str)]]
    rows = [present(one) for one in references]
    longest = max(map(len, rows), default=1)
    return [[row[at] if at < len(row) else None for row in rows] for at in range(longest)]
