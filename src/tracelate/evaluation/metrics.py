"""Translation scores, each with its signature and its interval. All are sacrebleu's.

Every score is in percent: BLEU and chrF run from 0 to 100, and more is better; TER counts edits
for 100 reference words, so less is better and it can exceed 100.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics import BLEU, CHRF, TER

from tracelate.errors import InputError

LENGTH_BUCKETS = (1, 3, 6, 11, 21)
"""The shortest source, in words, of each bucket: 1-2, 3-5, 6-10, 11-20, 21 and more."""

MIN_BUCKET_SENTENCES = 20
"""A bucket with fewer gets no score: resampling so few says nothing about other sentences."""


class Score(NamedTuple):
    """A corpus score in percent."""

    name: str
    """bleu, chrf or ter."""
    value: float
    low: float
    """The lower end of the 95 % bootstrap interval, in percent."""
    high: float
    signature: str
    """sacrebleu's. Scores with different signatures cannot be compared."""


class SentenceScores(NamedTuple):
    """One sentence's scores in percent: to look at, not to average."""

    bleu: float
    chrf: float


class LengthBucket(NamedTuple):
    """The test sentences whose source has `shortest` to `longest` words."""

    shortest: int
    longest: int | None
    """None: no limit."""
    sentences: int
    bleu: Score | None
    """None where the bucket has fewer than MIN_BUCKET_SENTENCES sentences."""


def corpus_metrics() -> dict[str, Any]:
    """What `corpus_scores` measures by, under each score's name: sacrebleu's metrics."""
    return {"bleu": BLEU(), "chrf": CHRF(), "ter": TER()}


def corpus_scores(
    hypotheses: Sequence[str], references: Sequence[str], *, samples: int, seed: int
) -> list[Score]:
    """BLEU, chrF and TER of a test set, as `sacrebleu -m bleu chrf ter` has them by default.

    Raises InputError if the two differ in length or are empty.
    """
    _check_parallel(hypotheses, references)
    return [
        _score(name, metric, hypotheses, references, samples, seed)
        for name, metric in corpus_metrics().items()
    ]


def sentence_scores(hypotheses: Sequence[str], references: Sequence[str]) -> list[SentenceScores]:
    """Each sentence's BLEU and chrF.

    BLEU is smoothed exponentially and stops at the longest n-gram that the hypothesis has
    (effective order), so that a right translation of two words scores 100 and not 0.

    Raises InputError as `corpus_scores` does.
    """
    _check_parallel(hypotheses, references)
    bleu, chrf = BLEU(effective_order=True), CHRF()
    return [
        SentenceScores(
            float(bleu.sentence_score(hypothesis, [reference]).score),
            float(chrf.sentence_score(hypothesis, [reference]).score),
        )
        for hypothesis, reference in zip(hypotheses, references, strict=True)
    ]


def bleu_by_source_length(
    source_lengths: Sequence[int],
    hypotheses: Sequence[str],
    references: Sequence[str],
    *,
    samples: int,
    seed: int,
    edges: Sequence[int] = LENGTH_BUCKETS,
) -> list[LengthBucket]:
    """Corpus BLEU in buckets of source length in words, empty buckets included.

    `edges` are the buckets' shortest lengths, rising; the last bucket has no upper end. Unlike
    the corpus score, BLEU has effective order here, and its signature says so: translations of
    one or two words have no 4-grams, without which plain BLEU is 0 however good they are.

    Raises InputError if the three differ in length or are empty, if `edges` do not rise, or if a
    source is shorter than the first of them.
    """
    _check_parallel(hypotheses, references)
    if len(source_lengths) != len(hypotheses):
        raise InputError(
            f"{len(source_lengths)} source lengths for {len(hypotheses)} hypotheses: "
            "give one for each"
        )
    if not edges or any(right <= left for left, right in pairwise(edges)):
        raise InputError(f"bucket edges are {list(edges)}: they must rise from left to right")
    if min(source_lengths) < edges[0]:
        raise InputError(
            f"a source has {min(source_lengths)} words, but the first bucket begins at "
            f"{edges[0]}: drop the sentence or lower the edge"
        )

    buckets = []
    for shortest, longest, members in length_buckets(source_lengths, edges):
        score = None
        if len(members) >= MIN_BUCKET_SENTENCES:
            score = _score(
                "bleu",
                BLEU(effective_order=True),
                [hypotheses[member] for member in members],
                [references[member] for member in members],
                samples,
                seed,
            )
        buckets.append(LengthBucket(shortest, longest, len(members), score))
    return buckets


def length_buckets(
    source_lengths: Sequence[int], edges: Sequence[int] = LENGTH_BUCKETS
) -> Iterator[tuple[int, int | None, list[int]]]:
    """Each bucket's shortest and longest source in words (None: no limit), and the places of the
    sentences in it.
    """
    rows = np.searchsorted(edges, source_lengths, side="right") - 1
    for index, shortest in enumerate(edges):
        longest = edges[index + 1] - 1 if index + 1 < len(edges) else None
        yield shortest, longest, [int(place) for place in np.flatnonzero(rows == index)]


def _score(
    name: str,
    metric: Any,
    hypotheses: Sequence[str],
    references: Sequence[str],
    samples: int,
    seed: int,
) -> Score:
    """The score, with the percentile interval of the resamples that sacrebleu itself would draw.

    sacrebleu reads its seed from the environment (SACREBLEU_SEED) whenever it resamples, and of
    the interval's two ends it keeps half their distance only. So the resampling is done here,
    with the same generator and the same draws, and the signature is completed as sacrebleu does.
    """
    statistics = metric._extract_corpus_statistics(hypotheses, [references])
    value = float(metric._aggregate_and_compute(statistics).score)
    low, high = _interval(metric, np.asarray(statistics, dtype=np.float64), samples, seed)
    metric.n_bootstrap, metric.seed = samples, str(seed)
    return Score(name, value, low, high, str(metric.get_signature()))


def _interval(
    metric: Any,
    statistics: NDArray[np.float64],
    samples: int,
    seed: int,
) -> tuple[float, float]:
    count = len(statistics)
    draws = np.random.default_rng(seed).choice(count, size=(samples, count), replace=True)
    return percentile_interval(
        [
            float(metric._compute_score_from_stats(statistics[draw].sum(axis=0)).score)
            for draw in draws
        ]
    )


def percentile_interval(resampled: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval: a fortieth of the resampled values lies outside at either end."""
    ranked = sorted(resampled)
    outside = len(ranked) // 40
    return ranked[outside], ranked[-outside - 1]


def _check_parallel(hypotheses: Sequence[str], references: Sequence[str]) -> None:
    if len(hypotheses) != len(references):
        raise InputError(
            f"{len(hypotheses)} hypotheses for {len(references)} references: give one for each"
        )
    if not hypotheses:
        raise InputError("there are no sentences to score: the test set is empty")


SCORES = {
    "bleu": ("BLEU", "words and phrases shared with the reference; higher is better"),
    "chrf": ("chrF", "characters shared with the reference; higher is better"),
    "ter": ("TER", "edits needed to reach the reference; lower is better"),
}


SCORE_NAMES = ("bleu", "chrf", "ter")


SCORE_TITLES = {"bleu": "BLEU", "chrf": "chrF", "ter": "TER (less is better)"}
