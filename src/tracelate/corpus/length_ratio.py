"""The typical ratio of the lengths of a corpus's pairs, which differs between scripts.

Lengths are widths: characters of double width, such as Chinese ones, count twice.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracelate.config import PrepareConfig
from tracelate.corpus.code_points import widths

NEAR_ONE = 4 / 3
"""A typical ratio up to this, or down to its inverse, counts as 1: that of languages in one script.
It is 1.26 for en-es and 1.21 for en-de, and 0.63 for en-zh-Hans, in the default wheel."""
FEWEST_PAIRS = 100
"""Number of pairs below which the median is not trusted and the typical ratio is 1."""


def typical_ratio(batches: Iterable[pa.RecordBatch], config: PrepareConfig) -> float:
    """Returns the median width of the target divided by that of the source, or 1 (see above).

    Pairs that are always balanced and those with an empty side are left out.
    """
    ratios = np.concatenate([np.zeros(0), *(_ratios(batch, config) for batch in batches)])
    if len(ratios) < FEWEST_PAIRS:
        return 1.0
    typical = float(np.median(ratios))
    return 1.0 if 1 / NEAR_ONE <= typical <= NEAR_ONE else typical


def is_unbalanced(
    batch: pa.RecordBatch, config: PrepareConfig, typical: float
) -> NDArray[np.bool_]:
    """Returns True for each pair whose ratio of widths is more than prepare.max_length_ratio times
    above or below the typical one, unless its longer side is short.
    """
    sources, targets = widths(batch["source"]), widths(batch["target"])
    is_long = np.maximum(sources, targets) > config.always_balanced_characters
    expected = sources * typical
    shorter, longer = np.minimum(expected, targets), np.maximum(expected, targets)
    return np.asarray(is_long & (longer > config.max_length_ratio * shorter))


def _ratios(batch: pa.RecordBatch, config: PrepareConfig) -> NDArray[np.float64]:
    sources, targets = widths(batch["source"]), widths(batch["target"])
    measured = np.maximum(sources, targets) > config.always_balanced_characters
    measured &= np.minimum(sources, targets) > 0
    return np.asarray(targets[measured] / sources[measured])
