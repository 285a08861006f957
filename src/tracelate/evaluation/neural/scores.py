"""Corpus scores by neural metrics: the mean of sentence scores, with its bootstrap interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tracelate.config import EvaluateConfig
from tracelate.evaluation.metrics import Score, bootstrap_draws, percentile_interval
from tracelate.evaluation.neural.program import SentenceToScore, score_by_program

KIND = "neural"
"""Begins the signature of a neural metric. No other signature begins so."""


def neural_scores(sentences: Sequence[SentenceToScore], config: EvaluateConfig) -> Iterator[Score]:
    """Yields the score of the sentences by each metric of `evaluate.neural_metrics`.

    Raises InputError as `score_by_program` does.
    """
    for metric in config.neural_metrics:
        found = score_by_program(metric, sentences)
        scores_N = np.asarray(found.scores)
        samples, seed = config.bootstrap_samples, config.bootstrap_seed
        draws = bootstrap_draws(len(scores_N), samples, seed)
        low, high = percentile_interval([float(scores_N[draw].mean()) for draw in draws])
        header = found.header
        yield Score(
            metric.name,
            float(scores_N.mean()),
            low,
            high,
            f"{KIND}:{header.name}|version:{header.version}|{header.signature}"
            f"|bs:{samples}|seed:{seed}",
        )


def is_neural(signature: str) -> bool:
    """True for the signature of a score that a program outside of Tracelate gave."""
    return signature.startswith(f"{KIND}:")
