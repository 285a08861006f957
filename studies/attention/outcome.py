"""Results of a study: mean scores over seeds, with intervals.

Intervals are bootstrap intervals over sentences and seeds. Each draw takes test sentences with
replacement, the same ones for all variants, and for each variant as many seeds as it has, also with
replacement. The interval covers the variation over other test sentences and other seeds.

Shapes: N sentences, D draws, K statistics of a metric for one sentence, R runs (seeds).
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracelate.comparison.comparability import metric_as_scored
from tracelate.evaluation.metrics import length_buckets, percentile_interval
from tracelate.evaluation.results import Evidence
from tracelate.evaluation.sacrebleu_statistics import Scorer
from tracelate.metric_table import for_short_texts
from tracelate.text.words import count_words

DRAWS = 1000
SEED = 12345


class Interval(NamedTuple):
    """Mean over seeds and its 95 % interval, in percent."""

    value: float
    low: float
    high: float


class Sampled(NamedTuple):
    """Score of a variant, on the test set and on each draw."""

    value: float
    draws_D: NDArray[np.float64]

    @property
    def interval(self) -> Interval:
        return Interval(self.value, *percentile_interval(self.draws_D.tolist()))

    def minus(self, other: Sampled) -> Interval:
        """Returns the difference; each draw has the same sentences for both."""
        return Sampled(self.value - other.value, self.draws_D - other.draws_D).interval


class Bucket(NamedTuple):
    """The test sentences whose source has `shortest` to `longest` words."""

    shortest: int
    longest: int | None
    sentences: int

    @property
    def label(self) -> str:
        if self.longest is None:
            return f"{self.shortest}+"
        return f"{self.shortest}–{self.longest}"


class VariantOutcome(NamedTuple):
    """Scores of a variant."""

    bleu: Sampled
    chrf: Sampled
    bleu_of_seeds: list[float]
    bleu_by_length: list[Sampled]
    """BLEU with effective order, one per bucket."""


class Outcome(NamedTuple):
    """Results of all variants on one test set."""

    sentences: int
    signatures: dict[str, str]
    buckets: list[Bucket]
    """Buckets of source length with at least MIN_BUCKET_SENTENCES sentences."""
    variants: dict[str, VariantOutcome]

    def without(self, names: Container[str]) -> Outcome:
        kept = {name: of for name, of in self.variants.items() if name not in names}
        return self._replace(variants=kept)


def study_outcome(evidence: Mapping[str, Sequence[Evidence]]) -> Outcome:
    """Computes the results from the evaluations of each variant, one per seed, on one test set."""
    first = next(iter(evidence.values()))[0]
    rows, evaluated = first.rows, first.metrics.buckets
    places_DN = np.random.default_rng(SEED).choice(len(rows), size=(DRAWS, len(rows)))
    times_DN = np.stack([np.bincount(places_N, minlength=len(rows)) for places_N in places_DN])
    lengths = [count_words(row.source) for row in rows]
    in_buckets = length_buckets(lengths, [bucket.shortest for bucket in evaluated])
    members = [
        one for bucket, one in zip(evaluated, in_buckets, strict=True) if bucket.bleu is not None
    ]
    variants = {}
    for number, (variant, runs) in enumerate(evidence.items()):
        chosen_DR = np.random.default_rng([SEED, number]).integers(
            len(runs), size=(DRAWS, len(runs))
        )
        of_table = [metric_as_scored(key, first) for key in ("bleu", "chrf")]
        bleu, chrf = map(Scorer, of_table)
        smooth = Scorer(for_short_texts(of_table[0]))
        of_bleu, of_chrf = ([_statistics(one, run) for run in runs] for one in (bleu, chrf))
        every = np.arange(len(rows))
        variants[variant] = VariantOutcome(
            bleu=_sampled(bleu, of_bleu, every, times_DN, chosen_DR),
            chrf=_sampled(chrf, of_chrf, every, times_DN, chosen_DR),
            bleu_of_seeds=[bleu.score(statistics_NK.sum(axis=0)) for statistics_NK in of_bleu],
            bleu_by_length=[
                _sampled(smooth, of_bleu, np.asarray(places), times_DN, chosen_DR)
                for _, _, places in members
            ],
        )
    return Outcome(
        sentences=len(rows),
        signatures=first.signatures,
        buckets=[Bucket(shortest, longest, len(places)) for shortest, longest, places in members],
        variants=variants,
    )


def _sampled(
    scorer: Scorer,
    statistics_of_runs: Sequence[NDArray[np.float64]],
    places: NDArray[np.int64],
    times_DN: NDArray[np.int64],
    chosen_DR: NDArray[np.int64],
) -> Sampled:
    """Returns the mean over runs of the score on the sentences at `places`."""
    scores, score_of_runs_DR = [], []
    for statistics_NK in statistics_of_runs:
        scores.append(scorer.score(statistics_NK[places].sum(axis=0)))
        sums_DK = times_DN[:, places] @ statistics_NK[places]
        score_of_runs_DR.append([scorer.score(sum_K) for sum_K in sums_DK])
    drawn_DR = np.take_along_axis(np.asarray(score_of_runs_DR).T, chosen_DR, axis=1)
    return Sampled(float(np.mean(scores)), drawn_DR.mean(axis=1))


def _statistics(scorer: Scorer, run: Evidence) -> NDArray[np.float64]:
    translations = [row.translation for row in run.rows]
    return scorer.statistics(translations, [row.reference for row in run.rows])
