"""How far apart models lie that differ by the seed of their training alone.

A training is a draw too: significance tests over sentences say which of two models translates
better, not whether what was changed made it so (Clark et al. 2011, "Better Hypothesis Testing for
Statistical Machine Translation: Controlling for Optimizer Instability"). Trainings of the same
settings with several seeds, all scored on one test set, say how much their score varies; what
exceeds that is more than luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist, mean, stdev
from typing import NamedTuple

from tracelate.errors import InputError

CONFIDENCE = 0.95


class SeedSpread(NamedTuple):
    """Of one metric's scores over seeds; in percent, as the scores are."""

    metric: str
    """Key of the metric."""
    scores: list[float]
    """One for each seed."""
    mean: float
    deviation: float
    """The standard deviation of one training, not of the mean."""
    deviation_low: float
    """The lower end of its 95 % interval, for scores that are normally distributed."""
    deviation_high: float


def seed_spread(metric: str, scores: Sequence[float]) -> SeedSpread:
    """Raises InputError where there are fewer than two scores."""
    if len(scores) < 2:
        raise InputError(f"{len(scores)} scores by {metric}: of fewer than two seeds none varies")
    from scipy.stats import chi2

    freedom, deviation = len(scores) - 1, stdev(scores)
    low, high = (
        deviation * sqrt(freedom / chi2.ppf(quantile, freedom))
        for quantile in ((1 + CONFIDENCE) / 2, (1 - CONFIDENCE) / 2)
    )
    return SeedSpread(metric, list(scores), mean(scores), deviation, float(low), float(high))


def seed_margin(deviation: float, level: float) -> float:
    """What the scores of two seeds differ by at most, in 1 - level of all pairs of seeds:

        margin = z(1 - level / 2) * sqrt(2) * deviation

    with z the normal distribution's quantile: the repeatability limit of ISO 5725-6, 2.77 times the
    deviation at 0.05. `deviation` is the standard deviation of a score over seeds, and the margin
    has its unit. It is of scores on the same test set, and so holds what differs between two
    trainings from sentence to sentence.
    """
    return NormalDist().inv_cdf(1 - level / 2) * sqrt(2) * deviation
