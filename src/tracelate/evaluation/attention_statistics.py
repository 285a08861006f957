"""Statistics of a model's attention over a test set.

The weights of each target piece are divided by their sum, so that variants whose weights sum to
less than one can be compared with the others.

Shapes: T target pieces and S source pieces, each including the end token; P positions.
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
    """-Σ_s α_ts ln α_ts: 0 if one source piece has all the weight, ln S if all have the same."""
    sharpness: float
    """Largest weight of a target piece, from 1 / S to 1."""
    monotonicity: float
    """Share of steps at which the mean source position, Σ_s α_ts s, does not decrease: 1 if source
    and target have the same order."""
    uncovered: float
    """Share of source pieces whose weights sum to less than 0.5 over all target pieces."""
    sharpness_by_position: list[float]
    """Sharpness at ten evenly spaced positions of each translation, from beginning to end. A piece
    of a short translation is at several positions."""


def attention_statistics(
    matrices_TS: Iterable[NDArray[np.floating]],
) -> AttentionStatistics | None:
    """Returns the statistics of the sentences' weights, or None if all weights are zero."""
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
