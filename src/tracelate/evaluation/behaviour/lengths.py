"""The length of a translation compared with its source, within bounds learnt from references.

The ratio of a sentence is (t + 10) / (s + 10), with t and s characters of the translation and of
the source without white space. The 10 characters keep short texts apart from long ones: `OK` and
`De acuerdo` have a ratio of 1.6, and 20 and 90 characters one of 3.3.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

SMOOTHING_CHARACTERS = 10
OUTSIDE = 0.0025
"""Share of the references beyond each bound."""


class LengthBounds(NamedTuple):
    """The lowest and the highest usual ratio."""

    low: float
    high: float

    def contains(self, source: str, translation: str) -> bool:
        return self.low <= _ratio(source, translation) <= self.high


ANY_LENGTH = LengthBounds(0.0, float("inf"))


def length_bounds(pairs: Iterable[tuple[str, str]]) -> LengthBounds:
    """Returns the bounds between which 99.5 % of the references lie, given (source, reference).

    With fewer than 200 references, these are nearly the shortest and the longest.
    """
    ratios = np.fromiter((_ratio(*pair) for pair in pairs), dtype=float)
    if not ratios.size:
        return ANY_LENGTH
    low, high = np.quantile(ratios, [OUTSIDE, 1 - OUTSIDE])
    return LengthBounds(float(low), float(high))


def _ratio(source: str, translation: str) -> float:
    return (_characters(translation) + SMOOTHING_CHARACTERS) / (
        _characters(source) + SMOOTHING_CHARACTERS
    )


def _characters(text: str) -> int:
    return len("".join(text.split()))
