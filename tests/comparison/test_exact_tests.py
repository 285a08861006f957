"""The exact tests give the probabilities of their definitions."""

from __future__ import annotations

import math

import pytest

from tracelate.comparison.exact_tests import fisher_test, sign_test


@pytest.mark.parametrize(
    ("worse", "better", "p"),
    [(0, 0, 1), (3, 0, 1 / 8), (5, 0, 1 / 32), (0, 5, 1), (8, 2, 56 / 1024), (1, 1, 3 / 4)],
)
def test_the_sign_test_sums_the_binomial_distribution(worse: int, better: int, p: float) -> None:
    assert sign_test(worse, better) == pytest.approx(p)


def test_fisher_gives_the_p_of_the_lady_tasting_tea() -> None:
    # Fisher 1935: 3 of 4 cups right, (16 + 1) / 70
    assert fisher_test(1, 4, 3, 4) == pytest.approx(17 / 70)
    assert fisher_test(0, 4, 4, 4) == pytest.approx(1 / 70)
    assert fisher_test(0, 10, 0, 10) == pytest.approx(1)
    assert fisher_test(5, 10, 0, 10) == pytest.approx(1)


def test_many_sentences_are_no_difficulty() -> None:
    assert sign_test(5_200, 4_800) == pytest.approx(3.2e-5, rel=0.1)
    assert fisher_test(500, 100_000, 600, 100_000) < 0.002
    assert math.isfinite(sign_test(100_000, 100_000))
