"""Power of a comparison: the differences that a test set has enough sentences to show."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

POWER = 0.8
"""Probability with which the smallest detectable difference is shown (Cohen 1988)."""
NO_DEVIATION = 1e-9
"""Standard deviation in percent that rounding can cause."""


class Power(NamedTuple):
    """The differences that the sentences of a test set can show."""

    differing_sentences: int
    """Number of sentences whose statistics differ between the two systems."""
    fewest_sentences: int
    """Smallest number of them on which a difference can be shown at all."""
    smallest_detectable: float | None
    """Smallest detectable difference in percent, without sign; None if none can be shown, or if the
    difference is the same in all draws."""


def power_of(resampled: NDArray[np.float64], differing: int, level: float) -> Power:
    """Returns the power of a comparison from the differences on its bootstrap samples."""
    fewest = fewest_sentences(level)
    deviation = float(np.std(resampled, ddof=1)) if len(resampled) > 1 else 0.0
    is_known = math.isfinite(deviation) and deviation > NO_DEVIATION and differing >= fewest
    return Power(differing, fewest, smallest_detectable(deviation, level) if is_known else None)


def smallest_detectable(deviation: float, level: float, power: float = POWER) -> float:
    """Returns the difference that a two-sided test at `level` shows with the probability `power`:

        smallest = (z(1 - level / 2) + z(power)) * deviation

    where z is the quantile of the normal distribution and `deviation` the standard error of the
    difference, here its standard deviation over the samples of the paired bootstrap. At level 0.05
    and power 0.8 it is 2.8 times the deviation (Bloom 1995, "Minimum Detectable Effects"; for
    comparisons of translations Card et al. 2020, "With Little Power Comes Great Responsibility").
    """
    normal = NormalDist()
    return (normal.inv_cdf(1 - level / 2) + normal.inv_cdf(power)) * deviation


def fewest_sentences(level: float) -> int:
    """Returns the number of differing sentences from which randomisation can show a difference.

    n sentences have 2^n exchanges, of which two have at least the measured difference: that
    without any and that of all. So p is at least 2^(1 - n), which must be less than `level`.
    """
    return math.floor(1 - math.log2(level)) + 1
