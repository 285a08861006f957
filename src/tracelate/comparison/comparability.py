"""Whether two evaluations may be held against each other, and why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tracelate.evaluation.metrics import corpus_metrics
from tracelate.evaluation.results import Evidence

INTERVAL_PARTS = ("bs", "seed")
"""Of a signature: how many resamples the interval was drawn from and with what seed. The score
does not depend on them, and a comparison draws its own."""
SAME_SCORE = 1e-6
"""Percent, for what rounding does."""
LONGEST_QUOTE = 60


def scoring(signature: str) -> str:
    """The parts of a signature that decide the score: references, case, tokens, smoothing and
    sacrebleu's version. Scores that differ in any of them cannot be compared.
    """
    parts = signature.split("|")
    return "|".join(part for part in parts if part.partition(":")[0] not in INTERVAL_PARTS)


def comparable_key(test_sha256: str, signatures: Mapping[str, str]) -> tuple[str, ...]:
    """Evaluations can be compared where this is equal; signatures are given by score."""
    return (test_sha256, *(f"{name} {scoring(signatures[name])}" for name in sorted(signatures)))


def differences(a: Evidence, b: Evidence) -> list[str]:
    """Why the two cannot be compared: a line a reason, with both values. Empty: they can.

    The test set is the hash of the file that was read and, since translations.jsonl says what was
    translated, also its sentences: neither a stale file nor an edited one passes for another.
    """
    return [*_in_test_set(a, b), *_in_rows(a, b), *_in_scoring(a, b)]


def inconsistencies(evidence: Evidence) -> list[str]:
    """Why an evaluation's own files contradict each other, a line a reason.

    Its translations are scored again, so that what is compared is what was reported.
    """
    reported, rows = evidence.metrics, evidence.rows
    if reported.test.sentences != len(rows):
        return [
            f"metrics.json says {reported.test.sentences} sentences, "
            f"translations.jsonl has {len(rows)}"
        ]
    metrics = corpus_metrics()
    found = []
    for score in reported.scores:
        metric = metrics[score.name]
        value = metric.corpus_score(
            [row.translation for row in rows], [[row.reference for row in rows]]
        ).score
        signature = str(metric.get_signature())
        if scoring(score.signature) != signature:
            found.append(
                f"{score.name} was scored by {scoring(score.signature)}, but is here by {signature}"
            )
        elif abs(score.value - value) > SAME_SCORE:
            found.append(
                f"metrics.json says {score.name} {score.value:.4f}, "
                f"but its translations score {value:.4f}"
            )
    return found


def _in_test_set(a: Evidence, b: Evidence) -> Iterator[str]:
    left, right = (evidence.metrics.test.sha256 for evidence in (a, b))
    if left != right:
        yield f"the test sets' sha256 differ: {left[:12]}… and {right[:12]}…"


def _in_rows(a: Evidence, b: Evidence) -> Iterator[str]:
    if len(a.rows) != len(b.rows):
        yield f"the numbers of test sentences differ: {len(a.rows)} and {len(b.rows)}"
        return
    for side in ("source", "reference"):
        texts = [[getattr(row, side) for row in evidence.rows] for evidence in (a, b)]
        pairs = list(zip(*texts, strict=True))
        places = [place for place, (left, right) in enumerate(pairs) if left != right]
        if places:
            left, right = (_quote(text) for text in pairs[places[0]])
            order = ", in another order" if sorted(texts[0]) == sorted(texts[1]) else ""
            yield (
                f"{len(places)} of {len(pairs)} {side}s differ{order}, first in sentence "
                f"{places[0] + 1}: {left} and {right}"
            )


def _in_scoring(a: Evidence, b: Evidence) -> Iterator[str]:
    for name in a.signatures:
        left, right = (scoring(evidence.signatures[name]) for evidence in (a, b))
        if left != right:
            parts = zip(left.split("|"), right.split("|"), strict=False)
            unequal = [f"{one} and {other}" for one, other in parts if one != other]
            yield f"{name}'s signatures differ: {', '.join(unequal) or f'{left} and {right}'}"


def _quote(text: str) -> str:
    """With marks around it, so that a space at its end is seen."""
    return repr(text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…")
