"""What a model's attention is like over a whole test set, in a few numbers.

They are of the share that each source piece has of what a target piece looks at, so that variants
whose weights sum to less than one compare with the others.

Shapes: T target pieces, S source pieces; the end tokens are among both. P places.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PLACES = 10


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
    """The part of the source pieces that got less than half a target piece's share in all."""
    sharpness_by_position: list[float]
    """Sharpness at ten places of each translation, evenly spread from its beginning to its end; a
    short one has a piece at several of them."""


def attention_statistics(
    matrices_TS: Iterable[NDArray[np.floating]],
) -> AttentionStatistics | None:
    """From each sentence's weights; None where no sentence has a weight anywhere."""
    entropies: list[NDArray[np.float64]] = []
    peaks: list[NDArray[np.float64]] = []
    peaks_at: list[NDArray[np.float64]] = []
    forwards: list[NDArray[np.bool_]] = []
    masses: list[NDArray[np.float64]] = []
    for weights_TS in matrices_TS:
        weights_TS = weights_TS.astype(np.float64)
        if not weights_TS.any():
            continue
        target_count, source_count = weights_TS.shape
        shares_TS = weights_TS / weights_TS.sum(axis=1, keepdims=True)
        logs_TS = np.log(shares_TS, where=shares_TS > 0, out=np.zeros_like(shares_TS))
        peak_T = shares_TS.max(axis=1)
        entropies.append(-(shares_TS * logs_TS).sum(axis=1))
        peaks.append(peak_T)
        peaks_at.append(peak_T[(2 * np.arange(PLACES) + 1) * target_count // (2 * PLACES)])
        forwards.append(np.diff(shares_TS @ np.arange(source_count)) >= -1e-6)
        masses.append(shares_TS.sum(axis=0))
    if not peaks:
        return None
    steps = np.concatenate(forwards)
    return AttentionStatistics(
        entropy_nats=float(np.concatenate(entropies).mean()),
        sharpness=float(np.concatenate(peaks).mean()),
        monotonicity=float(steps.mean()) if len(steps) else 1.0,
        uncovered=float((np.concatenate(masses) < 0.5).mean()),
        sharpness_by_position=np.stack(peaks_at).mean(axis=0).tolist(),
    )
