"""Significance tests for the difference between two systems on one test set.

Both tests use the statistics and the random draws of `sacrebleu --paired-bs` and `--paired-ar`. A
draw whose difference equals the measured one is counted in p. sacrebleu does not count it, and
therefore finds a system significantly better than itself.

Paired bootstrap (Koehn 2004; Riezler and Maxwell 2005): sentences are drawn with replacement, the
same ones for both systems. p is the share of draws whose difference deviates from the mean over all
draws, in either direction, by at least the measured difference. sacrebleu counts one direction, so
that its p of a clear difference is about half as large, and nearly 10 % of equal systems differ at
p < 0.05.

Paired approximate randomisation (Riezler and Maxwell 2005; Clark et al. 2011): the two translations
of each sentence are exchanged with probability 1/2. p is the share of draws with at least the
measured difference, in either direction: of equal systems, at most 5 % differ at p < 0.05.

A verdict requires both, and the interval belongs to both (inversion of a test, Cox and Hinkley
1974): it reaches on either side of the measured difference as far as the larger of the two
differences that the tests need to show one. It excludes 0 exactly if both p are below the level.

Shapes: N sentences, K statistics that a metric takes of a sentence, D draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracelate.comparison.power import Power, power_of
from tracelate.errors import InputError
from tracelate.evaluation.sacrebleu_statistics import Reference, Scorer
from tracelate.metric_table import METRICS, Metric

ROUNDING = 1e-9
"""Difference in percent that the order of summation can cause; it is ignored."""
DRAWS_AT_ONCE = 500
DEFAULT_LEVEL = 0.05

Verdict = Literal["better", "worse", "not shown"]


class Resampling(NamedTuple):
    """Numbers of draws, and their seed. The defaults are sacrebleu's."""

    bootstrap_samples: int = 1000
    randomisations: int = 10_000
    seed: int = 12345


class Significance(NamedTuple):
    """System b against system a, by one metric; scores and differences in percent."""

    metric: str
    """Key of the metric."""
    a: float
    b: float
    difference: float
    """b - a. By a metric whose lower values are better, it is negative if b is better."""
    low: float
    """Lower end of the interval of both tests, at the confidence 1 - level."""
    high: float
    p_bootstrap: float
    p_randomisation: float
    sentences: int
    resampling: Resampling
    signature: str
    """sacrebleu's signature of the scores, without the draws of the tests."""
    level: float
    """Significance level of the interval and the verdict."""
    power: Power

    @property
    def gain(self) -> float:
        """The difference, positive if b is better."""
        return self.difference if METRICS[self.metric].higher_is_better else -self.difference

    @property
    def least_gain(self) -> float:
        """The end of the interval at which b is worst, as a gain."""
        return self.low if METRICS[self.metric].higher_is_better else -self.high

    @property
    def verdict(self) -> Verdict:
        """The result for b: "better" or "worse" if both tests have p below the level.

        A difference or p that is NaN or infinite shows nothing.
        """
        is_shown = self.p_bootstrap < self.level and self.p_randomisation < self.level
        if not is_shown or not math.isfinite(self.difference):
            return "not shown"
        return "better" if self.gain > 0 else "worse"

    def document(self) -> dict[str, Any]:
        """Returns all values and the verdict as JSON values."""
        return {
            **self._asdict(),
            "resampling": self.resampling._asdict(),
            "power": self.power._asdict(),
            "verdict": self.verdict,
        }


class PairedStatistics(NamedTuple):
    """Sentence statistics of one metric for the translations of two systems."""

    scorer: Scorer
    a_NK: NDArray[np.float64]
    b_NK: NDArray[np.float64]

    def measured(self) -> float:
        """Returns the difference on the whole test set, in percent."""
        return self.difference(self.a_NK.sum(axis=0), self.b_NK.sum(axis=0))

    def difference(self, a_K: NDArray[np.float64], b_K: NDArray[np.float64]) -> float:
        """Returns the difference of the scores of two sums, b - a."""
        return self.scorer.score(b_K) - self.scorer.score(a_K)

    def differing_sentences(self) -> int:
        """Returns the number of sentences whose statistics differ."""
        return int(np.any(self.a_NK != self.b_NK, axis=1).sum())


class Draws(NamedTuple):
    """Random choices of sentences. They depend on the seed and the number of sentences alone."""

    places_DN: NDArray[np.int64]
    """Indices of the sentences in each bootstrap sample."""
    stays_DN: NDArray[np.bool_]
    """False if the randomisation exchanges the two translations of the sentence."""


def compare_systems(
    a: Sequence[str],
    b: Sequence[str],
    references: Sequence[Reference],
    resampling: Resampling,
    *,
    level: float = DEFAULT_LEVEL,
    metrics: Iterable[Metric] | None = None,
    on_progress: Callable[[int], object] = lambda _: None,
) -> list[Significance]:
    """Tests translations `b` against `a` by `metrics`, or by all of the table.

    `level` is the significance level. `on_progress` is called with the number of draws that were
    scored since its last call; all numbers sum to `draws_in_all`.

    Raises InputError if the three texts differ in length or are empty, or if so many draws show no
    difference at the level.
    """
    _refuse_level(level, resampling)
    if not len(a) == len(b) == len(references):
        raise InputError(
            f"{len(a)} and {len(b)} translations of {len(references)} references: "
            "give one of each for each sentence"
        )
    if not references:
        raise InputError("there are no sentences to compare: the test set is empty")
    return [
        significance_of(paired_statistics(metric, a, b, references), resampling, level, on_progress)
        for metric in (METRICS.values() if metrics is None else metrics)
    ]


def significance_of(
    paired: PairedStatistics,
    resampling: Resampling,
    level: float = DEFAULT_LEVEL,
    on_progress: Callable[[int], object] = lambda _: None,
) -> Significance:
    """Runs both tests by one metric."""
    difference = paired.measured()
    drawn = draw(len(paired.a_NK), resampling)
    resampled = bootstrap_differences(paired, drawn.places_DN, on_progress)
    randomised = randomised_differences(paired, drawn.stays_DN, on_progress)
    low, high = interval_of_both(difference, resampled, randomised, level)
    return Significance(
        metric=paired.scorer.metric.key,
        a=paired.scorer.score(paired.a_NK.sum(axis=0)),
        b=paired.scorer.score(paired.b_NK.sum(axis=0)),
        difference=difference,
        low=low,
        high=high,
        p_bootstrap=bootstrap_p(difference, resampled),
        p_randomisation=randomisation_p(difference, randomised),
        sentences=len(paired.a_NK),
        resampling=resampling,
        signature=paired.scorer.signature(),
        level=level,
        power=power_of(resampled, paired.differing_sentences(), level),
    )


def _refuse_level(level: float, resampling: Resampling) -> None:
    lowest = 1 / (min(resampling.bootstrap_samples, resampling.randomisations) + 1)
    if not lowest < level < 1:
        raise InputError(
            f"the significance level {level:g} cannot be shown with "
            f"{resampling.bootstrap_samples:,} bootstrap samples and "
            f"{resampling.randomisations:,} randomisations: choose one above {lowest:.3g} and "
            "below 1"
        )


def draws_in_all(resampling: Resampling) -> int:
    """Returns the number of draws that `compare_systems` scores for all metrics of the table."""
    return len(METRICS) * (resampling.bootstrap_samples + resampling.randomisations)


def paired_statistics(
    metric: Metric, a: Sequence[str], b: Sequence[str], references: Sequence[Reference]
) -> PairedStatistics:
    """Returns the sentence statistics of two systems."""
    scorer = Scorer(metric)
    return PairedStatistics(scorer, *(scorer.statistics(system, references) for system in (a, b)))


def draw(sentence_count: int, resampling: Resampling) -> Draws:
    """Makes the draws that sacrebleu makes with this seed; each test has its own generator."""
    return Draws(
        np.random.default_rng(resampling.seed).choice(
            sentence_count, size=(resampling.bootstrap_samples, sentence_count), replace=True
        ),
        np.random.default_rng(resampling.seed).integers(
            2, size=(resampling.randomisations, sentence_count), dtype=bool
        ),
    )


def bootstrap_differences(
    paired: PairedStatistics,
    places_DN: NDArray[np.int64],
    on_progress: Callable[[int], object] = lambda _: None,
) -> NDArray[np.float64]:
    """Returns the difference on each bootstrap sample, in percent."""
    differences = []
    for places_N in places_DN:
        differences.append(
            paired.difference(paired.a_NK[places_N].sum(axis=0), paired.b_NK[places_N].sum(axis=0))
        )
        if len(differences) % DRAWS_AT_ONCE == 0:
            on_progress(DRAWS_AT_ONCE)
    on_progress(len(differences) % DRAWS_AT_ONCE)
    return np.asarray(differences)


def randomised_differences(
    paired: PairedStatistics,
    stays_DN: NDArray[np.bool_],
    on_progress: Callable[[int], object] = lambda _: None,
) -> NDArray[np.float64]:
    """Returns the difference in each draw of the randomisation, in percent."""
    both_K = paired.a_NK.sum(axis=0) + paired.b_NK.sum(axis=0)
    differences = []
    for start in range(0, len(stays_DN), DRAWS_AT_ONCE):
        stays = stays_DN[start : start + DRAWS_AT_ONCE].astype(np.float64)
        a_DK = stays @ paired.a_NK + (1 - stays) @ paired.b_NK
        differences += [paired.difference(a_K, both_K - a_K) for a_K in a_DK]
        on_progress(len(a_DK))
    return np.asarray(differences)


def interval_of_both(
    difference: float,
    resampled: NDArray[np.float64],
    randomised: NDArray[np.float64],
    level: float,
) -> tuple[float, float]:
    """Returns the interval of the difference that excludes 0 exactly if both p are below `level`.

    `resampled` and `randomised` are the differences in the draws of the two tests. An end is
    infinite if a test can show no difference.
    """
    margin = max(
        _size_to_exceed(_deviations(resampled), level),
        _size_to_exceed(np.abs(randomised), level),
    )
    low, high = difference - margin, difference + margin
    return (0.0 if abs(low) <= ROUNDING else low, 0.0 if abs(high) <= ROUNDING else high)


def bootstrap_p(difference: float, resampled: NDArray[np.float64]) -> float:
    """Returns p of the bootstrap test from the differences on its samples."""
    return _share_as_large(_deviations(resampled), abs(difference))


def randomisation_p(difference: float, randomised: NDArray[np.float64]) -> float:
    """Returns p of the randomisation test from the differences in its draws."""
    return _share_as_large(np.abs(randomised), abs(difference))


def _deviations(resampled: NDArray[np.float64]) -> NDArray[np.float64]:
    sizes: NDArray[np.float64] = np.abs(resampled - resampled.mean())
    return sizes


def _share_as_large(drawn: NDArray[np.float64], measured: float) -> float:
    """Returns the share of draws that are at least `measured`.

    The measured value counts as a draw, so that p is never 0. NaN, of a draw or measured, counts as
    large, so that it makes no difference significant.
    """
    with np.errstate(invalid="ignore"):
        smaller = measured - drawn > ROUNDING
    return float((np.sum(~smaller) + 1) / (len(drawn) + 1))


def _size_to_exceed(drawn: NDArray[np.float64], level: float) -> float:
    """Returns the size that a measured value must exceed for `_share_as_large` below `level`."""
    counts = np.arange(1, len(drawn) + 1)
    allowed = int(np.sum(counts / (len(drawn) + 1) < level))
    if allowed == 0:
        return math.inf
    ranked = np.sort(np.where(np.isnan(drawn), np.inf, drawn))
    return float(ranked[-allowed])
