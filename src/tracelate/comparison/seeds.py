"""Variation of scores between models that differ in their training seed alone.

A significance test over sentences shows which of two models translates better. It does not show
that a changed setting is the cause, because the training seed changes the score too (Clark et al.
2011, "Better Hypothesis Testing for Statistical Machine Translation: Controlling for Optimizer
Instability"). Training the same settings with several seeds, and scoring all models on one test
set, measures this variation. A difference that exceeds it is not explained by the seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist, mean, stdev
from typing import NamedTuple

from tracelate.errors import InputError

CONFIDENCE = 0.95


class SeedSpread(NamedTuple):
    """Variation of the scores by one metric over seeds, in percent."""

    metric: str
    """Key of the metric."""
    scores: list[float]
    """One for each seed."""
    mean: float
    deviation: float
    """Standard deviation of the score of one training, not of the mean."""
    deviation_low: float
    """Lower end of its 95 % interval, for normally distributed scores."""
    deviation_high: float


def seed_spread(metric: str, scores: Sequence[float]) -> SeedSpread:
    """Estimates the variation. Raises InputError if there are fewer than two scores."""
    if len(scores) < 2:
        raise InputError(f"{len(scores)} scores by {metric}, of fewer than two seeds: add another seed")
    from scipy.stats import chi2

    freedom, deviation = len(scores) - 1, stdev(scores)
    low, high = (
        deviation * sqrt(freedom / chi2.ppf(quantile, freedom))
        for quantile in ((1 + CONFIDENCE) / 2, (1 - CONFIDENCE) / 2)
    )
    return SeedSpread(metric, list(scores), mean(scores), deviation, float(low), float(high))


def seed_margin(deviation: float, level: float) -> float:
    """Returns the difference that two seeds exceed with probability `level`:

        margin = z(1 - level / 2) * sqrt(2) * deviation

    where z is the quantile of the normal distribution. This is the repeatability limit of ISO
    5725-6, 2.77 times the deviation at level 0.05. `deviation` is the standard deviation of a score
    over seeds on one test set, and the margin has its unit.
    """
    return NormalDist().inv_cdf(1 - level / 2) * sqrt(2) * deviation
