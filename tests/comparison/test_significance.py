"""Significance against sacrebleu's own tests, exact enumeration and the definitions as loops."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from sacrebleu import metrics as sacrebleu_metrics
from sacrebleu.significance import PairedTest, Result

from tests.evaluation.results import some_references, translate_badly
from tracelate.comparison.significance import (
    Resampling,
    Significance,
    bootstrap_differences,
    bootstrap_p,
    compare_systems,
    draw,
    draws_in_all,
    paired_statistics,
    randomisation_p,
    randomised_differences,
)
from tracelate.errors import InputError
from tracelate.metric_table import BLEU, CHRF, METRICS, TER, Metric

QUICK = Resampling(bootstrap_samples=200, randomisations=400, seed=7)
REFERENCES = some_references()
GOOD, BAD = translate_badly(REFERENCES, 0.2, 2), translate_badly(REFERENCES, 0.4, 3)
ALIKE = translate_badly(REFERENCES, 0.2, 4)


def by_metric(
    a: list[str], b: list[str], resampling: Resampling = QUICK, level: float = 0.05
) -> dict[str, Significance]:
    found = compare_systems(a, b, REFERENCES, resampling, level=level)
    return {one.metric: one for one in found}


def sacrebleus_bootstrap_p(metric: Metric, a: list[str], b: list[str]) -> float:
    """By the same draws as ours, but of the differences that deviate in one direction."""
    counts = paired_statistics(metric, a, b, REFERENCES)
    sizes = np.abs(bootstrap_differences(counts, draw(60, QUICK).places_DN))
    return float((np.sum(sizes - sizes.mean() > abs(counts.measured())) + 1) / (len(sizes) + 1))


@pytest.mark.parametrize("b", [BAD, ALIKE])
def test_scores_and_p_equal_those_of_sacrebleus_paired_tests(
    monkeypatch: pytest.MonkeyPatch, b: list[str]
) -> None:
    ours = by_metric(GOOD, b)
    metrics = {"b": sacrebleu_metrics.BLEU(), "c": sacrebleu_metrics.CHRF()}
    monkeypatch.setenv("SACREBLEU_SEED", "7")
    for test, samples in (("bs", 200), ("ar", 400)):
        systems: list[tuple[str, Sequence[str]]] = [("a", GOOD), ("b", b)]
        theirs = PairedTest(systems, metrics, [REFERENCES], test, samples)()[1]
        for metric, name in ((BLEU, "BLEU"), (CHRF, "chrF2")):
            our = ours[metric.key]
            first, second = theirs[name]
            assert isinstance(first, Result) and isinstance(second, Result)
            assert (our.a, our.b) == pytest.approx((first.score, second.score))
            p = our.p_randomisation if test == "ar" else sacrebleus_bootstrap_p(metric, GOOD, b)
            assert p == pytest.approx(second.p_value, abs=1e-12)


def test_a_number_that_is_not_finite_makes_no_difference_significant() -> None:
    drawn = np.array([0.1, 0.2, -0.1] * 40)
    with_nan = np.where(np.arange(len(drawn)) % 10 == 0, np.nan, drawn)
    assert bootstrap_p(5.0, drawn) == randomisation_p(5.0, drawn) == 1 / 121
    assert randomisation_p(5.0, with_nan) == 13 / 121
    assert bootstrap_p(5.0, with_nan) == 1
    assert bootstrap_p(math.nan, drawn) == randomisation_p(math.nan, drawn) == 1
    found = by_metric(BAD, GOOD)["bleu"]
    assert found.verdict == "better"
    broken = [
        found._replace(p_bootstrap=math.nan),
        found._replace(p_randomisation=math.nan),
        found._replace(difference=math.nan),
    ]
    assert {one.verdict for one in broken} == {"not shown"}
    assert found._replace(level=math.nan).verdict == "not shown"


def test_the_signature_equals_that_of_sacrebleu() -> None:
    metric = sacrebleu_metrics.BLEU()
    metric.corpus_score(GOOD, [REFERENCES])
    assert by_metric(GOOD, BAD)["bleu"].signature == str(metric.get_signature())


def test_a_system_does_not_differ_from_itself_by_any_metric() -> None:
    for one in compare_systems(GOOD, GOOD, REFERENCES, QUICK):
        assert (one.difference, one.low, one.high) == (0, 0, 0)
        assert (one.p_bootstrap, one.p_randomisation) == (1, 1)
        assert one._replace(level=0.999).verdict == "not shown"


def test_a_draw_equal_to_the_measured_difference_is_counted_in_p() -> None:
    # TER counts whole edits, so that ties are common; sacrebleu leaves them out
    [ours] = compare_systems(GOOD, ALIKE, REFERENCES, QUICK, metrics=[TER])
    counts = paired_statistics(TER, GOOD, ALIKE, REFERENCES)
    sizes = np.abs(randomised_differences(counts, draw(60, QUICK).stays_DN))
    without_ties = np.sum(sizes > abs(ours.difference) + 1e-9)
    ties = np.sum(np.isclose(sizes, abs(ours.difference), atol=1e-9))
    assert ties > 0
    assert ours.p_randomisation == pytest.approx((without_ties + ties + 1) / 401)


@pytest.mark.parametrize("metric", [BLEU, CHRF, TER])
def test_randomisation_approaches_the_share_among_all_changes_of_sides(
    metric: Metric,
) -> None:
    a, b, references = GOOD[:9], BAD[:9], REFERENCES[:9]
    score = getattr(sacrebleu_metrics, metric.sacrebleu_class)().corpus_score
    measured = abs(score(a, [references]).score - score(b, [references]).score)
    as_large = 0
    for changes in product((False, True), repeat=9):
        sides = [(y, x) if change else (x, y) for change, x, y in zip(changes, a, b, strict=True)]
        left, right = ([side[place] for side in sides] for place in (0, 1))
        found = abs(score(left, [references]).score - score(right, [references]).score)
        as_large += found >= measured - 1e-9
    exact = as_large / 2**9

    [ours] = compare_systems(a, b, references, Resampling(20, 20_000, seed=1), metrics=[metric])
    # the standard error of a share of 20,000 draws is at most 0.0036
    assert ours.p_randomisation == pytest.approx(exact, abs=0.015)
    assert 0 < exact < 1


def test_the_bootstrap_equals_its_definition_written_as_loops() -> None:
    counts = paired_statistics(BLEU, GOOD, BAD, REFERENCES)
    places_DN = draw(60, QUICK).places_DN
    score = sacrebleu_metrics.BLEU().corpus_score
    expected = []
    for places in places_DN:
        a, b, references = ([texts[at] for at in places] for texts in (GOOD, BAD, REFERENCES))
        expected.append(score(b, [references]).score - score(a, [references]).score)
    found = bootstrap_differences(counts, places_DN)
    assert found == pytest.approx(expected)
    measured = by_metric(GOOD, BAD)["bleu"]
    mean = sum(expected) / len(expected)
    exceeding = sum(abs(one - mean) >= abs(measured.difference) for one in expected)
    assert measured.p_bootstrap == pytest.approx((exceeding + 1) / 201)


def test_p_counts_the_measured_value_as_one_of_the_draws() -> None:
    drawn = np.array([0.0, 1.0, -2.0, 3.0])
    assert randomisation_p(2.0, drawn) == 3 / 5  # -2, 3 and the measured
    assert randomisation_p(-9.0, drawn) == 1 / 5
    # the mean is 0.5: -2 and 3 deviate from it by 2.5
    assert bootstrap_p(2.5, drawn) == bootstrap_p(-2.5, drawn) == 3 / 5
    assert bootstrap_p(2.6, drawn) == 1 / 5


def test_a_draw_that_differs_from_the_measured_value_by_rounding_alone_counts_as_equal() -> None:
    drawn = np.array([2.0, -2.0, 1.0])
    assert randomisation_p(2.0 + 5e-10, drawn) == 3 / 4
    assert randomisation_p(2.0 + 5e-9, drawn) == 1 / 4
    assert randomisation_p(2.0 - 5e-9, drawn) == 3 / 4


def test_the_difference_has_the_metrics_own_sign_and_the_verdict_says_which_is_better() -> None:
    for one in by_metric(BAD, GOOD).values():
        assert one.difference == pytest.approx(one.b - one.a)
        assert (one.difference < 0) == (one.metric == "ter")
        assert one.verdict == "better" and one.gain == abs(one.difference) > 0
        assert 0 < one.least_gain < one.gain
    for one in by_metric(GOOD, BAD).values():
        assert (one.difference < 0) == (one.metric != "ter")
        assert one.verdict == "worse" and one.gain < 0
        assert one.least_gain < one.gain


def test_exchanging_the_systems_changes_signs_and_nothing_else() -> None:
    for there, back in zip(
        by_metric(GOOD, ALIKE).values(), by_metric(ALIKE, GOOD).values(), strict=True
    ):
        assert back.difference == pytest.approx(-there.difference)
        assert (back.low, back.high) == pytest.approx((-there.high, -there.low))
        assert back.p_bootstrap == there.p_bootstrap
        assert back.p_randomisation == there.p_randomisation


def test_a_verdict_requires_both_tests() -> None:
    one = by_metric(BAD, GOOD)["bleu"]
    assert one._replace(p_bootstrap=0.04, p_randomisation=0.04).verdict == "better"
    assert one._replace(p_bootstrap=0.04, p_randomisation=0.06).verdict == "not shown"
    assert one._replace(p_bootstrap=0.06, p_randomisation=0.04).verdict == "not shown"
    for p_bootstrap, p_randomisation in ((0.05, 0.05), (0.05, 0.01), (0.01, 0.05)):
        at_level = one._replace(p_bootstrap=p_bootstrap, p_randomisation=p_randomisation)
        assert at_level.verdict == "not shown"


def test_the_seed_decides_and_the_environment_neither_does_nor_is_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = by_metric(GOOD, ALIKE)
    monkeypatch.setenv("SACREBLEU_SEED", "none")
    assert by_metric(GOOD, ALIKE) == first
    assert os.environ["SACREBLEU_SEED"] == "none"
    other = by_metric(GOOD, ALIKE, QUICK._replace(seed=8))
    assert [one.difference for one in other.values()] == [one.difference for one in first.values()]
    assert [one.low for one in other.values()] != [one.low for one in first.values()]


def test_few_pairs_of_equal_systems_differ_significantly() -> None:
    # translations are exchanged at random: the null hypothesis of randomisation is true, and its
    # distribution is the same for every trial
    counts = paired_statistics(BLEU, GOOD, ALIKE, REFERENCES)
    null = randomised_differences(counts, draw(60, QUICK).stays_DN)
    trials = randomised_differences(counts, draw(60, Resampling(2, 200, seed=4)).stays_DN)
    found = sum(randomisation_p(float(difference), null) < 0.05 for difference in trials)
    # at 5 %, more than 20 of 200 are found with probability 0.001
    assert 0 < found <= 20


def test_progress_counts_every_draw_once() -> None:
    counts: list[int] = []
    resampling = Resampling(bootstrap_samples=701, randomisations=1203, seed=1)
    texts = (GOOD[:3], BAD[:3], REFERENCES[:3])
    compare_systems(*texts, resampling, on_progress=counts.append)
    assert sum(counts) == draws_in_all(resampling) == len(METRICS) * 1904
    assert len(counts) > 6


def test_texts_of_unequal_length_and_empty_ones_are_refused() -> None:
    with pytest.raises(InputError, match="2 and 3 translations of 5 references"):
        compare_systems(["a"] * 2, ["a"] * 3, ["a"] * 5, QUICK)
    with pytest.raises(InputError, match="empty"):
        compare_systems([], [], [], QUICK)
