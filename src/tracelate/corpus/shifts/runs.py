"""Runs of consecutive rows whose evidence is high, found while the rows pass in batches.

A run begins at the lowest point of the running sum of the evidence, once the sum has risen by the
threshold from there, and ends at the highest point, once it has fallen by as much (Page 1954,
"Continuous inspection schemes", with a second chart for the end).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Rows(NamedTuple):
    """The rows from `first` to `last`, both included, counted from 0."""

    first: int
    last: int

    @property
    def pairs(self) -> int:
        """Number of rows, each a pair."""
        return self.last - self.first + 1


class RunFinder:
    """Finds runs; add the evidence of all rows in their order, then close it."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._rows = 0
        self._sign = 1
        """1 outside of a run, where a rise is awaited; -1 in one, where a fall is."""
        self._sum = 0.0
        """Of the evidence since the turning point, times the sign."""
        self._turn = 0
        """First row after the lowest point outside of a run, or after the highest in one."""
        self._first = 0
        self.runs: list[Rows] = []
        """Those that have ended."""

    def add(self, evidence: NDArray[np.float64]) -> None:
        """Adds rows; evidence for a run is above 0, and evidence against it below."""
        start = 0
        while start < len(evidence):
            start += self._to_next_turn(evidence[start:])

    def close(self) -> list[Rows]:
        """Returns all runs; one that has not ended ends at its highest point."""
        if self._sign < 0:
            self.runs.append(Rows(self._first, self._turn - 1))
            self._sign = 1
        return self.runs

    def _to_next_turn(self, evidence: NDArray[np.float64]) -> int:
        """Goes on to the row at which a run is seen to begin or end, or to the last row. Returns
        the number of rows that it passed.
        """
        sums = self._sum + self._sign * np.cumsum(evidence)
        lowest = np.minimum(np.minimum.accumulate(sums), 0.0)
        crossed = np.flatnonzero(sums - lowest >= self._threshold)
        passed = int(crossed[0]) + 1 if len(crossed) else len(sums)
        low = float(lowest[passed - 1])
        if low < 0:
            self._turn = self._rows + int(np.argmin(sums[:passed])) + 1
        self._sum = float(sums[passed - 1]) - low
        self._rows += passed
        if len(crossed):
            if self._sign < 0:
                self.runs.append(Rows(self._first, self._turn - 1))
            self._first = self._turn
            self._sign = -self._sign
            self._turn, self._sum = self._rows, 0.0
        return passed
