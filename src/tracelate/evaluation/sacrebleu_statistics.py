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


class Scorer:
    """Computes one metric with sacrebleu, with one reference per sentence."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self._sacrebleu = sacrebleu_metric(metric)
        # otherwise sacrebleu has no signature before it has scored a sentence
        self._sacrebleu.num_refs = 1

    def statistics(
        self, hypotheses: Sequence[str], references: Sequence[str]
    ) -> NDArray[np.float64]:
        """Returns statistics_NK of the sentences."""
        counted = self._sacrebleu._extract_corpus_statistics(hypotheses, [references])
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
