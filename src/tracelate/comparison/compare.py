"""Compares two systems on one test set: scores, source lengths and changed sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tracelate.comparison.comparability import differences, inconsistencies, metric_as_scored
from tracelate.comparison.settings import difference_of_two, differing_settings
from tracelate.comparison.significance import (
    DEFAULT_LEVEL,
    Resampling,
    Significance,
    bootstrap_differences,
    compare_systems,
    draw,
    paired_statistics,
)
from tracelate.errors import InputError
from tracelate.evaluation.metrics import length_buckets, percentile_interval
from tracelate.evaluation.results import Evidence
from tracelate.files import finite_or_none, write_json
from tracelate.metric_table import METRICS, for_short_texts
from tracelate.text.words import count_words


class Difference(NamedTuple):
    """Difference of BLEU in percent, positive if b is better."""

    value: float
    low: float
    """Lower end of the 95 % paired bootstrap interval."""
    high: float


class LengthDifference(NamedTuple):
    """Difference of BLEU on the sentences whose source has `shortest` to `longest` words."""

    shortest: int
    longest: int | None
    """None: no limit."""
    sentences: int
    difference: Difference | None
    """With effective order; None if the bucket has too few sentences for a score."""


class ChangedSentence(NamedTuple):
    """A test sentence that a and b translate differently."""

    number: int
    """Number of the sentence in the test set, from 1."""
    source: str
    reference: str
    a: str
    b: str
    chrf_change: float
    """Sentence chrF of b minus that of a, in percent."""


class Comparison(NamedTuple):
    """Result of the comparison of two evaluations."""

    a: Evidence
    b: Evidence
    scores: list[Significance]
    by_source_length: list[LengthDifference]
    changes: list[ChangedSentence]
    """All sentences that are translated differently, from the largest gain to the largest loss."""

    @property
    def settings(self) -> list[dict[str, str]] | None:
        """Settings of a and of b in which they differ, by dotted names; None if not known."""
        if self.a.params is None or self.b.params is None:
            return None
        return differing_settings([self.a.params, self.b.params])

    @property
    def identical(self) -> bool:
        """True if both translations of every sentence are equal."""
        return not self.changes


def compare(
    a: Evidence,
    b: Evidence,
    resampling: Resampling,
    level: float = DEFAULT_LEVEL,
    on_progress: Callable[[int], object] = lambda _: None,
) -> Comparison:
    """Compares two evaluations of the same test set at a significance level.

    `on_progress` is passed to `compare_systems`. Raises InputError with every reason if the two
    cannot be compared, and if so many draws show no difference at the level.
    """
    refuse_incomparable(a, b)
    references = [row.references for row in a.rows]
    of_a, of_b = ([row.translation for row in evidence.rows] for evidence in (a, b))
    metrics = [metric_as_scored(key, a, b) for key in METRICS]
    return Comparison(
        a,
        b,
        compare_systems(
            of_a,
            of_b,
            references,
            resampling,
            level=level,
            metrics=metrics,
            on_progress=on_progress,
        ),
        _by_source_length(a, b, of_a, of_b, resampling),
        _changes(a, b),
    )


def refuse_incomparable(a: Evidence, b: Evidence) -> None:
    """Raises InputError if the two cannot be compared or the files of one contradict each other."""
    reasons = differences(a, b)
    if reasons:
        raise InputError(
            f"{a.name} and {b.name} cannot be compared: {'; '.join(reasons)}. "
            "Evaluate both on the same test set, with the same settings and the same sacrebleu"
        )
    for evidence in (a, b):
        reasons = inconsistencies(evidence)
        if reasons:
            raise InputError(f"{evidence.name}: {'; '.join(reasons)}. Evaluate it again")


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """Returns the content of comparison.json, with scores and differences in percent."""
    a, b, scores, by_source_length, changes = comparison
    return {
        "a": {"name": a.name, "run_id": a.run_id},
        "b": {"name": b.name, "run_id": b.run_id},
        "test": a.metrics.test._asdict(),
        "differing_settings": difference_of_two(a.params, b.params, ("a", "b")),
        "identical": comparison.identical,
        "level": scores[0].level,
        "scores": {
            one.metric: {
                name: value
                for name, value in one.document().items()
                if name not in ("metric", "resampling", "level")
            }
            for one in scores
        },
        "resampling": scores[0].resampling._asdict(),
        "bleu_difference_by_source_length": [
            {
                "shortest_words": bucket.shortest,
                "longest_words": bucket.longest,
                "sentences": bucket.sentences,
                "bleu": None if bucket.difference is None else bucket.difference._asdict(),
            }
            for bucket in by_source_length
        ],
        "changed_sentences": [change._asdict() for change in changes],
    }


def write_comparison(path: Path, comparison: Comparison) -> None:
    """Writes comparison.json, with null for a number that is NaN or infinite."""
    write_json(path, finite_or_none(comparison_document(comparison)))


def most_changed(
    changes: Sequence[ChangedSentence], count: int
) -> tuple[list[ChangedSentence], list[ChangedSentence]]:
    """Returns the `count` largest gains and the `count` largest losses, the largest first."""
    improved = [change for change in changes if change.chrf_change > 0]
    worsened = [change for change in changes if change.chrf_change < 0]
    return improved[:count], worsened[::-1][:count]


def _by_source_length(
    a: Evidence,
    b: Evidence,
    texts_of_a: Sequence[str],
    texts_of_b: Sequence[str],
    resampling: Resampling,
) -> list[LengthDifference]:
    """Compares in the buckets that system a was evaluated in, if they have a score there."""
    found = []
    rows, evaluated = a.rows, a.metrics.buckets
    bleu = for_short_texts(metric_as_scored("bleu", a, b))
    lengths = [count_words(row.source) for row in rows]
    edges = [bucket.shortest for bucket in evaluated]
    for bucket, (shortest, longest, places) in zip(
        evaluated, length_buckets(lengths, edges), strict=True
    ):
        difference = None
        # versions that counted words by white space alone put sentences into other buckets
        if bucket.bleu is not None and places:
            references = [rows[place].references for place in places]
            of_a, of_b = ([texts[place] for place in places] for texts in (texts_of_a, texts_of_b))
            paired = paired_statistics(bleu, of_a, of_b, references)
            drawn = draw(len(places), resampling._replace(randomisations=0))
            low, high = percentile_interval(bootstrap_differences(paired, drawn.places_DN).tolist())
            difference = Difference(paired.measured(), low, high)
        found.append(LengthDifference(shortest, longest, len(places), difference))
    return found


def _changes(a: Evidence, b: Evidence) -> list[ChangedSentence]:
    changes = [
        ChangedSentence(
            number,
            one.source,
            one.reference,
            one.translation,
            other.translation,
            other.sentence_chrf - one.sentence_chrf,
        )
        for number, (one, other) in enumerate(zip(a.rows, b.rows, strict=True), start=1)
        if one.translation != other.translation
    ]
    return sorted(changes, key=lambda change: -change.chrf_change)
