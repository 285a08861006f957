"""Variation of scores over seeds, and the margin for the difference of two seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from tracelate.comparison.seeds import seed_margin, seed_spread
from tracelate.errors import InputError


def test_the_spread_is_of_one_training_not_of_the_mean() -> None:
    spread = seed_spread("bleu", [30.0, 32.0, 34.0])
    assert (spread.mean, spread.deviation) == pytest.approx((32.0, 2.0))


def test_the_interval_contains_the_true_deviation_in_95_of_100_studies() -> None:
    studies = np.random.default_rng(1).normal(30.0, 2.0, size=(2000, 4))
    spreads = [seed_spread("bleu", scores.tolist()) for scores in studies]
    held = [one.deviation_low < 2.0 < one.deviation_high for one in spreads]
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_few_seeds_are_refused_and_equal_ones_do_not_vary() -> None:
    with pytest.raises(InputError, match="at least two seeds"):
        seed_spread("bleu", [30.0])
    spread = seed_spread("ter", [50.0, 50.0])
    assert (spread.deviation, spread.deviation_low, spread.deviation_high) == (0, 0, 0)


@pytest.mark.parametrize("level", [0.01, 0.05, 0.3])
def test_two_seeds_differ_by_more_than_the_margin_as_often_as_the_level_says(level: float) -> None:
    pairs = np.random.default_rng(1).normal(30.0, 0.7, size=(100_000, 2))
    beyond = np.abs(pairs[:, 0] - pairs[:, 1]) > seed_margin(0.7, level)
    assert np.mean(beyond) == pytest.approx(level, abs=0.005)
    assert seed_margin(1.0, level) == pytest.approx(norm.ppf(1 - level / 2) * 2**0.5)
