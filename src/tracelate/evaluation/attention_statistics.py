"""What a model's attention is like over a whole test set, in a few numbers.

Shapes: T target pieces, S source pieces; the end tokens are among both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TENTHS = 10


class AttentionStatistics(NamedTuple):
    """Means over all target or source pieces of all sentences."""

    entropy_nats: float
    """-Σ_s α_ts ln α_ts: 0 where one source piece gets all, ln S where all get the same."""
    sharpness: float
    """The largest weight of a target piece, from 1 / S to 1."""
    monotonicity: float
    """The share of steps whose mean source place, Σ_s α_ts s, lies no further back than the
    step's before: 1 where source and target go in the same order."""
    uncovered: float
    """The share of source pieces that got less than half a target piece's weight in all."""
    sharpness_by_position: list[float]
    """Sharpness in each tenth of the translations, from their beginnings to their ends."""


def attention_statistics(
    matrices_TS: Iterable[NDArray[np.floating]],
) -> AttentionStatistics | None:
    """From each sentence's weights; None where no sentence has a weight anywhere."""
    entropies: list[NDArray[np.float64]] = []
    peaks: list[NDArray[np.float64]] = []
    tenths: list[NDArray[np.int64]] = []
    forwards: list[NDArray[np.bool_]] = []
    masses: list[NDArray[np.float64]] = []
    for weights_TS in matrices_TS:
        weights_TS = weights_TS.astype(np.float64)
        if not weights_TS.any():
            continue
        target_count, source_count = weights_TS.shape
        logs_TS = np.log(weights_TS, where=weights_TS > 0, out=np.zeros_like(weights_TS))
        entropies.append(-(weights_TS * logs_TS).sum(axis=1))
        peaks.append(weights_TS.max(axis=1))
        tenths.append(np.arange(target_count) * TENTHS // target_count)
        place_T = weights_TS @ np.arange(source_count) / weights_TS.sum(axis=1)
        forwards.append(np.diff(place_T) >= -1e-6)
        masses.append(weights_TS.sum(axis=0))
    if not peaks:
        return None
    peak, tenth = np.concatenate(peaks), np.concatenate(tenths)
    steps = np.concatenate(forwards)
    return AttentionStatistics(
        entropy_nats=float(np.concatenate(entropies).mean()),
        sharpness=float(peak.mean()),
        monotonicity=float(steps.mean()) if len(steps) else 1.0,
        uncovered=float((np.concatenate(masses) < 0.5).mean()),
        sharpness_by_position=[
            float(peak[tenth == number].mean()) if (tenth == number).any() else 0.0
            for number in range(TENTHS)
        ],
    )
