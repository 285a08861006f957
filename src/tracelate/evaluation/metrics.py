"""Scores of translations, with sacrebleu's signature and a 95 % interval.

Every score is in percent. The metrics are those of `tracelate.metric_table`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracelate.errors import InputError
from tracelate.evaluation.sacrebleu_statistics import Reference, Scorer, present
from tracelate.metric_table import METRICS, Metric, for_short_texts
from tracelate.sacrebleu_metric import sacrebleu_metric

DRAWS_AT_ONCE = 1_000


class Score(NamedTuple):
    """A corpus score in percent."""

    name: str
    """Key of the metric."""
    value: float
    low: float
    """Lower end of the 95 % bootstrap interval, in percent."""
    high: float
    signature: str
    """sacrebleu's signature. Scores with different signatures cannot be compared."""


class SentenceScores(NamedTuple):
    """Scores of one sentence in percent. Their mean is not the corpus score."""

    bleu: float
    chrf: float


class LengthBucket(NamedTuple):
    """The test sentences whose source has `shortest` to `longest` words."""

    shortest: int
    longest: int | None
    """None: no limit."""
    sentences: int
    bleu: Score | None
    """None if the bucket has too few sentences for a score."""


def corpus_scores(
    hypotheses: Sequence[str],
    references: Sequence[Reference],
    *,
    samples: int,
    seed: int,
    metrics: Mapping[str, Metric] = METRICS,
) -> list[Score]:
    """Returns the score of a test set by each of `metrics`, equal to sacrebleu's command.

    Raises InputError if the two differ in length or are empty.
    """
    _check_parallel(hypotheses, references)
    return [
        _score(Scorer(metric), hypotheses, references, samples, seed) for metric in metrics.values()
    ]


def sentence_scores(
    hypotheses: Sequence[str],
    references: Sequence[Reference],
    metrics: Mapping[str, Metric] = METRICS,
) -> list[SentenceScores]:
    """Returns BLEU and chrF of each sentence.

    BLEU is smoothed exponentially and counts n-grams up to the length of the hypothesis (effective
    order), so that a correct translation of two words scores 100 and not 0.

    Raises InputError as `corpus_scores` does.
    """
    _check_parallel(hypotheses, references)
    bleu = sacrebleu_metric(for_short_texts(metrics["bleu"]))
    chrf = sacrebleu_metric(metrics["chrf"])
    return [
        SentenceScores(
            float(bleu.sentence_score(hypothesis, present(reference)).score),
            float(chrf.sentence_score(hypothesis, present(reference)).score),
        )
        for hypothesis, reference in zip(hypotheses, references, strict=True)
    ]


def bleu_by_source_length(
    source_lengths: Sequence[int],
    hypotheses: Sequence[str],
    references: Sequence[Reference],
    *,
    samples: int,
    seed: int,
    edges: Sequence[int],
    min_sentences: int,
    metrics: Mapping[str, Metric] = METRICS,
) -> list[LengthBucket]:
    """Returns corpus BLEU in buckets of source length in words, including empty buckets.

    `edges` are the minimum lengths of the buckets in increasing order; the last bucket has no
    maximum. A bucket of fewer than `min_sentences` sentences has no score. Unlike the corpus score,
    BLEU has effective order here, which its signature states: translations of one or two words have
    no 4-grams, so that their plain BLEU is always 0.

    Raises InputError if the three texts differ in length or are empty, if `edges` are not
    increasing, or if a source is shorter than the first edge.
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
        if len(members) >= min_sentences:
            score = _score(
                Scorer(for_short_texts(metrics["bleu"])),
                [hypotheses[member] for member in members],
                [references[member] for member in members],
                samples,
                seed,
            )
        buckets.append(LengthBucket(shortest, longest, len(members), score))
    return buckets


def length_buckets(
    source_lengths: Sequence[int], edges: Sequence[int]
) -> Iterator[tuple[int, int | None, list[int]]]:
    """Yields the minimum and maximum source length of each bucket, in words, and the indices of its
    sentences. A maximum of None means no limit.
    """
    rows = np.searchsorted(edges, source_lengths, side="right") - 1
    for index, shortest in enumerate(edges):
        longest = edges[index + 1] - 1 if index + 1 < len(edges) else None
        yield shortest, longest, [int(place) for place in np.flatnonzero(rows == index)]


def _score(
    scorer: Scorer,
    hypotheses: Sequence[str],
    references: Sequence[Reference],
    samples: int,
    seed: int,
) -> Score:
    """Returns the score with the percentile interval over sacrebleu's bootstrap samples.

    sacrebleu reads its seed from the environment (SACREBLEU_SEED), and returns only half the width
    of the interval. Samples are therefore drawn here, with the same generator.
    """
    statistics_NK = scorer.statistics(hypotheses, references)
    count = len(statistics_NK)
    low, high = percentile_interval(
        [
            scorer.score(statistics_NK[draw].sum(axis=0))
            for draw in bootstrap_draws(count, samples, seed)
        ]
    )
    return Score(
        scorer.metric.key,
        scorer.score(statistics_NK.sum(axis=0)),
        low,
        high,
        scorer.resampled_signature(samples, seed),
    )


def bootstrap_draws(count: int, samples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yields `samples` rows of `count` indices: those of one call of numpy's `choice` for all.

    Only DRAWS_AT_ONCE rows are in RAM.
    """
    generator = np.random.default_rng(seed)
    for begun in range(0, samples, DRAWS_AT_ONCE):
        rows = min(DRAWS_AT_ONCE, samples - begun)
        yield from generator.choice(count, size=(rows, count), replace=True)


def percentile_interval(resampled: Sequence[float]) -> tuple[float, float]:
    """Returns the 95 % interval: a fortieth of the resampled values lies beyond each end."""
    ranked = sorted(resampled)
    outside = len(ranked) // 40
    return ranked[outside], ranked[-outside - 1]


def _check_parallel(hypotheses: Sequence[str], references: Sequence[Reference]) -> None:
    if len(hypotheses) != len(references):
        raise InputError(
            f"{len(hypotheses)} hypotheses for {len(references)} references: give one for each"
        )
    if not hypotheses:
        raise InputError("there are no sentences to score: the test set is empty")
