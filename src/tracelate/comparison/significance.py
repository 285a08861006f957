"""Whether one system translates better than another, or the difference may be chance.

Two tests over the same sentences, as `sacrebleu --paired-bs` and `--paired-ar` do them: with its
statistics, its draws and its p, except that a resample which equals the measured difference counts
against it. sacrebleu leaves those out, and so finds a system significantly better than itself.

Paired bootstrap (Koehn 2004; Riezler and Maxwell 2005): the test set is redrawn with replacement,
the same sentences for both systems, and p is how often the difference exceeds its own mean by the
measured one. That is one tail wherever a difference is clear: of equal systems, nearly 10 % differ
at p < 0.05 in one direction or the other. Paired approximate randomisation (Riezler and Maxwell
2005; Clark et al. 2011): each sentence's two translations change sides with probability 1/2, and p
is how often the two sides then differ as much as measured, in either direction: of equal systems,
at most 5 % differ at p < 0.05. A verdict takes both.

Shapes: N sentences, K counts that a metric takes of a sentence, D draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics import TER

from tracelate.errors import InputError
from tracelate.evaluation.metrics import corpus_metrics, percentile_interval

ROUNDING = 1e-9
"""Percent. Differences closer than this are the same, summed in another order."""
DRAWS_AT_ONCE = 500

Verdict = Literal["better", "worse", "not shown"]


class Resampling(NamedTuple):
    """How much is drawn, and from where. The defaults are sacrebleu's."""

    bootstrap_samples: int = 1000
    randomisations: int = 10_000
    seed: int = 12345


class Significance(NamedTuple):
    """System b against system a, by one metric; scores and differences in percent."""

    metric: str
    """bleu, chrf or ter."""
    a: float
    b: float
    difference: float
    """Positive where b is better: b - a, but a - b for TER, of which less is better."""
    low: float
    """The lower end of the difference's 95 % bootstrap interval."""
    high: float
    p_bootstrap: float
    p_randomisation: float
    sentences: int
    resampling: Resampling
    signature: str
    """sacrebleu's for the scores; the tests' draws are those of `resampling`."""

    def verdict(self, level: float) -> Verdict:
        """Whether b is better or worse than a, by both tests at p < level."""
        if max(self.p_bootstrap, self.p_randomisation) >= level:
            return "not shown"
        return "better" if self.difference > 0 else "worse"


class PairedCounts(NamedTuple):
    """What a metric counts in each sentence of two systems; its scores depend on sums of it."""

    metric: Any
    a_NK: NDArray[np.float64]
    b_NK: NDArray[np.float64]

    def measured(self) -> float:
        """The difference on the whole test set, in percent."""
        return self.difference(self.a_NK.sum(axis=0), self.b_NK.sum(axis=0))

    def difference(self, a_K: NDArray[np.float64], b_K: NDArray[np.float64]) -> float:
        """Of the scores of two sums of counts, in percent; positive where b's is better."""
        difference = self.score(b_K) - self.score(a_K)
        return -difference if isinstance(self.metric, TER) else difference

    def score(self, sum_K: NDArray[np.float64]) -> float:
        """In percent."""
        return float(self.metric._compute_score_from_stats(sum_K).score)


class Draws(NamedTuple):
    """Random choices of sentences, the same for all metrics and, of one seed and number of
    sentences, for all pairs of systems.
    """

    places_DN: NDArray[np.int64]
    """Of the bootstrap: which sentences make up the test set of a draw."""
    stays_DN: NDArray[np.bool_]
    """Of the randomisation: False where the two translations change sides."""


def compare_systems(
    a: Sequence[str],
    b: Sequence[str],
    references: Sequence[str],
    resampling: Resampling,
    *,
    metrics: Mapping[str, Any] | None = None,
    on_progress: Callable[[int], object] = lambda _: None,
) -> list[Significance]:
    """Tests translations `b` against `a`, by BLEU, chrF and TER unless `metrics` says otherwise.

    `on_progress` hears how many draws have been scored; `draws_in_all` says how many there are.
    Raises InputError if the three texts differ in length or are empty.
    """
    if not len(a) == len(b) == len(references):
        raise InputError(
            f"{len(a)} and {len(b)} translations of {len(references)} references: "
            "give one of each for each sentence"
        )
    if not references:
        raise InputError("there are no sentences to compare: the test set is empty")
    return [
        significance_of(name, count_in_sentences(metric, a, b, references), resampling, on_progress)
        for name, metric in (metrics or corpus_metrics()).items()
    ]


def significance_of(
    name: str,
    counts: PairedCounts,
    resampling: Resampling,
    on_progress: Callable[[int], object] = lambda _: None,
) -> Significance:
    """Both tests by one metric, which is called `name`."""
    difference = counts.measured()
    drawn = draw(len(counts.a_NK), resampling)
    resampled = bootstrap_differences(counts, drawn.places_DN, on_progress)
    randomised = randomised_differences(counts, drawn.stays_DN, on_progress)
    low, high = percentile_interval(resampled.tolist())
    return Significance(
        metric=name,
        a=counts.score(counts.a_NK.sum(axis=0)),
        b=counts.score(counts.b_NK.sum(axis=0)),
        difference=difference,
        low=low,
        high=high,
        p_bootstrap=bootstrap_p(difference, resampled),
        p_randomisation=randomisation_p(difference, randomised),
        sentences=len(counts.a_NK),
        resampling=resampling,
        signature=str(counts.metric.get_signature()),
    )


def draws_in_all(resampling: Resampling, metric_count: int = 3) -> int:
    return metric_count * (resampling.bootstrap_samples + resampling.randomisations)


def count_in_sentences(
    metric: Any, a: Sequence[str], b: Sequence[str], references: Sequence[str]
) -> PairedCounts:
    """`metric` is one of sacrebleu's."""
    counts = (metric._extract_corpus_statistics(system, [references]) for system in (a, b))
    return PairedCounts(metric, *(np.asarray(one, dtype=np.float64) for one in counts))


def draw(sentence_count: int, resampling: Resampling) -> Draws:
    """The draws that sacrebleu would make with that seed: a generator for each test."""
    return Draws(
        np.random.default_rng(resampling.seed).choice(
            sentence_count, size=(resampling.bootstrap_samples, sentence_count), replace=True
        ),
        np.random.default_rng(resampling.seed).integers(
            2, size=(resampling.randomisations, sentence_count), dtype=bool
        ),
    )


def bootstrap_differences(
    counts: PairedCounts,
    places_DN: NDArray[np.int64],
    on_progress: Callable[[int], object] = lambda _: None,
) -> NDArray[np.float64]:
    """The difference on each redrawn test set, in percent."""
    differences = []
    for places_N in places_DN:
        differences.append(
            counts.difference(counts.a_NK[places_N].sum(axis=0), counts.b_NK[places_N].sum(axis=0))
        )
        if len(differences) % DRAWS_AT_ONCE == 0:
            on_progress(DRAWS_AT_ONCE)
    on_progress(len(differences) % DRAWS_AT_ONCE)
    return np.asarray(differences)


def randomised_differences(
    counts: PairedCounts,
    stays_DN: NDArray[np.bool_],
    on_progress: Callable[[int], object] = lambda _: None,
) -> NDArray[np.float64]:
    """The difference after each change of sides, in percent."""
    both_K = counts.a_NK.sum(axis=0) + counts.b_NK.sum(axis=0)
    differences = []
    for start in range(0, len(stays_DN), DRAWS_AT_ONCE):
        stays = stays_DN[start : start + DRAWS_AT_ONCE].astype(np.float64)
        a_DK = stays @ counts.a_NK + (1 - stays) @ counts.b_NK
        differences += [counts.difference(a_K, both_K - a_K) for a_K in a_DK]
        on_progress(len(a_DK))
    return np.asarray(differences)


def bootstrap_p(difference: float, resampled: NDArray[np.float64]) -> float:
    sizes = np.abs(resampled)
    return _share_as_large(sizes - sizes.mean(), abs(difference))


def randomisation_p(difference: float, randomised: NDArray[np.float64]) -> float:
    return _share_as_large(np.abs(randomised), abs(difference))


def _share_as_large(drawn: NDArray[np.float64], measured: float) -> float:
    """The measured value is one of the draws too, so that p is never 0."""
    return float((np.sum(drawn >= measured - ROUNDING) + 1) / (len(drawn) + 1))
