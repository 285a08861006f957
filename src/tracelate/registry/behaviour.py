"""Faults in the translations of a candidate and of the champion, for the gate.

Checks of the test set are applied again to the logged translations of both models, so that both are
counted by the same definitions, also where a model was evaluated by an older version. What needs
more than these translations, the sentences made from the test set and invented words, is taken from
the models' reports.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from tracelate.behaviour_table import CHECKS
from tracelate.comparison.exact_tests import fisher_test, sign_test
from tracelate.evaluation.behaviour.faults import FAULTS
from tracelate.evaluation.behaviour.measure import TestFaults, context_of, find_faults
from tracelate.evaluation.behaviour.sentence import Sentence
from tracelate.evaluation.results import Evidence

NEEDS_TRAINING_TEXT = "invented"


class Count(NamedTuple):
    """Sentences with a fault, among those that the check applies to."""

    faults: int
    sentences: int

    @property
    def percent(self) -> float:
        return 100 * self.faults / self.sentences if self.sentences else 0.0


class FaultComparison(NamedTuple):
    """The result of one check for both models."""

    key: str
    candidate: Count | None
    """None if it was not counted."""
    champion: Count | None
    """None without a champion, and if it was not counted."""
    p: float | None
    """Of an exact test that the candidate has more faults; None if one of them was not counted."""
    worse: int | None = None
    """Number of sentences with the fault in the candidate's translation alone; None if the models
    were counted on different sentences."""
    better: int | None = None
    """Number of sentences with the fault in the champion's translation alone."""

    @property
    def increase(self) -> float | None:
        """Difference of the shares in percent points, positive if the candidate is worse."""
        if self.candidate is None or self.champion is None:
            return None
        return self.candidate.percent - self.champion.percent


def compare_behaviour(
    candidate: Evidence, champion: Evidence | None, keys: Collection[str]
) -> list[FaultComparison]:
    """Compares the faults of two models with the same test set, by the checks `keys`."""
    found = _find(candidate)
    before = None if champion is None else _find(champion)
    return [
        _by_sentences(key, found, before)
        if key in FAULTS and key != NEEDS_TRAINING_TEXT
        else _by_reports(key, candidate, champion)
        for key in CHECKS
        if key in keys
    ]


def _find(evidence: Evidence) -> TestFaults:
    sentences = [Sentence(row.source, row.reference, row.translation) for row in evidence.rows]
    return find_faults(sentences, context_of(sentences))


def _by_sentences(key: str, candidate: TestFaults, champion: TestFaults | None) -> FaultComparison:
    after = list(_of_check(candidate, key))
    if champion is None:
        return FaultComparison(key, _count(after), None, None)
    before = list(_of_check(champion, key))
    pairs = [(bool(one), bool(other)) for one, other in zip(before, after, strict=True)]
    worse, better = pairs.count((False, True)), pairs.count((True, False))
    p = sign_test(worse, better)
    return FaultComparison(key, _count(after), _count(before), p, worse, better)


def _of_check(found: TestFaults, key: str) -> Iterator[bool | None]:
    return (results.get(key) for results in found.applied)


def _count(results: list[bool | None]) -> Count:
    return Count(results.count(True), len(results) - results.count(None))


def _by_reports(key: str, candidate: Evidence, champion: Evidence | None) -> FaultComparison:
    after, before = _reported(candidate, key), None
    if champion is not None:
        before = _reported(champion, key)
    p = None
    if after is not None and before is not None:
        p = fisher_test(before.faults, before.sentences, after.faults, after.sentences)
    return FaultComparison(key, after, before, p)


def _reported(evidence: Evidence, key: str) -> Count | None:
    behaviour = evidence.metrics.behaviour
    if behaviour is None or key not in behaviour.checks:
        return None
    return Count(behaviour.checks[key].faults, behaviour.checks[key].sentences)
