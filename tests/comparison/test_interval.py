"""The verdict, both p and the interval of a comparison never contradict each other."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.evaluation.results import some_references, translate_badly
from tracelate.comparison.describe import describe_significance, shortage, shown_interval
from tracelate.comparison.power import fewest_sentences, power_of, smallest_detectable
from tracelate.comparison.significance import (
    ROUNDING,
    Resampling,
    Significance,
    bootstrap_p,
    compare_systems,
    interval_of_both,
    randomisation_p,
)
from tracelate.errors import InputError
from tracelate.metric_table import METRICS

QUICK = Resampling(bootstrap_samples=120, randomisations=250, seed=3)
LEVELS = st.sampled_from([0.01, 0.05, 0.07, 0.3, 0.9])
SENTENCES = st.lists(st.sampled_from(["la", "luz", "no", "se", "abre"]), max_size=6).map(" ".join)
ROWS = st.lists(st.tuples(SENTENCES, SENTENCES, SENTENCES.filter(bool)), min_size=1, max_size=25)
NUMBERS = st.lists(st.floats(-100, 100) | st.just(math.nan), min_size=30, max_size=60)


def agree(one: Significance) -> None:
    """The interval excludes 0 on the side of the verdict, and contains it without one."""
    both = one.p_bootstrap < one.level and one.p_randomisation < one.level
    excluded = one.low > 0 or one.high < 0
    assert both == excluded == (one.verdict != "not shown")
    assert one.low - ROUNDING <= one.difference <= one.high + ROUNDING
    if excluded:
        lower_is_better = one.metric == "ter"
        assert (one.verdict == "better") == ((one.low > 0) != lower_is_better)
        assert one.least_gain * one.gain > 0 or one.verdict == "worse"
        assert shortage(one) is None
    assert one.power.differing_sentences <= one.sentences
    if (smallest := one.power.smallest_detectable) is not None:
        assert smallest > 0
    # also after rounding for people
    shown = shown_interval(one)
    assert (shown.count("+"), shown.count("-")) in (
        ((0, 2) if one.high < 0 else (2, 0)) if excluded else (1, 1), (2, 0),
    )  # fmt: skip
    assert ("+0.00" in shown.split()) <= (not excluded)


@settings(max_examples=60, deadline=None)
@given(ROWS, LEVELS)
@example([("la luz", "no", "la luz")], 0.05)
@example([("", "", "la luz")] * 20, 0.05)
@example([("no", "se", "la luz")] * 20, 0.05)
@example([("la luz", "la luz", "la luz")] * 3, 0.05)
@example([("la luz no se abre", "no", "la luz no se abre")] * 20, 0.05)
def test_verdict_and_interval_agree_on_any_translations(
    rows: list[tuple[str, str, str]], level: float
) -> None:
    a, b, references = (list(texts) for texts in zip(*rows, strict=True))
    found = compare_systems(a, b, references, QUICK, level=level)
    assert [one.metric for one in found] == list(METRICS)
    for one in found:
        agree(one)
        if a == b:
            assert (one.low, one.high, one.p_bootstrap, one.p_randomisation) == (0, 0, 1, 1)
        if one.power.differing_sentences < 2:
            assert one.verdict == "not shown"


@settings(max_examples=400, deadline=None)
@given(st.floats(-100, 100), NUMBERS, NUMBERS, st.floats(0.04, 0.99))
def test_the_interval_excludes_0_exactly_if_both_p_are_below_the_level(
    difference: float, resampled: list[float], randomised: list[float], level: float
) -> None:
    drawn = np.array(resampled), np.array(randomised)
    low, high = interval_of_both(difference, *drawn, level)
    both = max(bootstrap_p(difference, drawn[0]), randomisation_p(difference, drawn[1])) < level
    assert (low > 0 or high < 0) == both
    assert low - ROUNDING <= difference <= high + ROUNDING


def test_a_p_of_exactly_the_level_is_not_below_it_and_the_interval_ends_at_0() -> None:
    # of 99 draws the measured and 4 more are as large: p = 5 / 100
    drawn = np.concatenate([np.full(4, 2.0), np.zeros(95)])
    centred = np.concatenate([np.full(2, 2.0), np.full(2, -2.0), np.zeros(95)])
    assert randomisation_p(2.0, drawn) == bootstrap_p(2.0, centred) == 0.05
    assert interval_of_both(2.0, centred, drawn, 0.05) == (0.0, 4.0)
    assert interval_of_both(-2.0, centred, drawn, 0.05) == (-4.0, 0.0)
    low, _ = interval_of_both(2.0, centred, drawn, 0.051)
    assert low == 2.0


def test_the_wider_of_the_two_tests_decides_the_interval() -> None:
    # at 5 % of 99 draws, a difference must exceed the fourth largest
    narrow, wide = (np.array([size, -size] * 49 + [0.0]) for size in (1.0, 3.0))
    for resampled, randomised in ((narrow, wide), (wide, narrow)):
        assert interval_of_both(2.0, resampled, randomised, 0.05) == (-1.0, 5.0)


def test_a_difference_that_one_test_alone_finds_is_not_shown_and_the_interval_contains_0() -> None:
    # every bootstrap sample of one sentence is that sentence, so that the bootstrap finds it
    [one] = compare_systems(["no"], ["la luz"], ["la luz"], QUICK, metrics=[METRICS["chrf"]])
    assert one.p_bootstrap < 0.05 and one.p_randomisation == 1
    assert one.verdict == "not shown" and one.low == 0 < one.high
    assert shortage(one) == (
        "too few sentences score differently, 1 of 1: no difference is shown on fewer than 6"
    )


@pytest.mark.parametrize(("level", "fewest"), [(0.05, 6), (0.01, 8), (0.001, 11)])
def test_randomisation_shows_a_difference_on_the_fewest_sentences_and_on_no_fewer(
    level: float, fewest: int
) -> None:
    assert fewest_sentences(level) == fewest
    assert 2.0 ** (1 - fewest) < level <= 2.0 ** (2 - fewest)
    for count in (fewest - 1, fewest):
        texts = ["no"] * count, ["la luz"] * count, ["la luz"] * count
        [one] = compare_systems(
            *texts, Resampling(1000, 20_000), level=level, metrics=[METRICS["chrf"]]
        )
        assert (one.verdict == "better") == (count == fewest)
        assert (shortage(one) is None) == (count == fewest)


def test_the_smallest_detectable_difference_is_shown_with_its_probability() -> None:
    assert smallest_detectable(1.0, 0.05) == pytest.approx(2.80, abs=0.005)  # Bloom 1995
    normal = NormalDist()
    for level in (0.05, 0.001):
        smallest = smallest_detectable(2.0, level)
        critical = 2.0 * normal.inv_cdf(1 - level / 2)
        assert 1 - NormalDist(smallest, 2.0).cdf(critical) == pytest.approx(0.8)


def test_more_sentences_detect_smaller_differences() -> None:
    found = []
    for count in (50, 200, 800):
        references = some_references(count)
        a, b = (translate_badly(references, 0.3, seed) for seed in (1, 2))
        [one] = compare_systems(a, b, references, QUICK, metrics=[METRICS["chrf"]])
        assert one.power.smallest_detectable is not None
        found.append(one.power.smallest_detectable)
    # a quarter of the size needs twice the number squared
    assert found[0] / found[1] == pytest.approx(2, rel=0.35)
    assert found[1] / found[2] == pytest.approx(2, rel=0.35)


def test_without_any_deviation_there_is_no_smallest_difference() -> None:
    for resampled in ([1.0] * 50, [math.nan] * 50, [1.0]):
        assert power_of(np.array(resampled), 50, 0.05).smallest_detectable is None
    assert power_of(np.array([0.0, 1.0] * 50), 5, 0.05).smallest_detectable is None


def test_a_level_that_the_draws_cannot_show_is_refused_with_the_lowest() -> None:
    texts = ["no"] * 9, ["la luz"] * 9, ["la luz"] * 9
    for level in (0.0, 0.005, 1.0, math.nan):
        with pytest.raises(InputError, match=r"cannot be shown with 120 .* above 0.00826 and"):
            compare_systems(*texts, QUICK, level=level)
    compare_systems(*texts, QUICK, level=0.0083)


def test_an_end_near_0_is_shown_with_its_sign() -> None:
    [one] = compare_systems(["no"], ["la luz"], ["la luz"], QUICK, metrics=[METRICS["chrf"]])
    near = one._replace(low=0.0004, high=12.345)
    assert shown_interval(near) == "+0.0004 to +12.35"
    assert shown_interval(near._replace(low=-0.0004)) == "-0.0004 to +12.35"
    assert shown_interval(near._replace(low=0.0)) == "+0.00 to +12.35"
    assert "(+0.0004 to +12.35)" in describe_significance(near)
