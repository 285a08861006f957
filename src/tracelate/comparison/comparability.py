"""Checks whether two evaluations may be compared, and gives the reasons if not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tracelate.evaluation.neural.scores import is_neural
from tracelate.evaluation.results import Evidence
from tracelate.evaluation.sacrebleu_statistics import Scorer
from tracelate.metric_table import METRICS, Metric
from tracelate.sacrebleu_metric import metric_of, signature_parts

INTERVAL_PARTS = ("bs", "seed")
"""Parts of a signature with the number and the seed of the interval's bootstrap samples. The score
does not depend on them, and a comparison draws its own samples."""
SAME_SCORE = 1e-6
"""Difference in percent that rounding can cause; larger differences are reported."""
SETTINGS = {
    ("BLEU", "tok"): "evaluate.tokenizer",
    ("BLEU", "case"): "evaluate.lowercase",
    ("CHRF", "case"): "evaluate.lowercase",
    ("TER", "norm"): "download.target_language",
    ("TER", "asian"): "download.target_language",
}
"""The setting behind a part of a signature, by the class of the metric and the part."""
LONGEST_QUOTE = 60
"""Maximum number of characters of a text in a message."""


def scoring(signature: str) -> str:
    """Returns the parts of a signature on which the score depends: references, case, tokens,
    smoothing and sacrebleu's version. Scores that differ in any of them cannot be compared.
    """
    parts = signature.split("|")
    return "|".join(part for part in parts if part.partition(":")[0] not in INTERVAL_PARTS)


def comparable_key(test_sha256: str, signatures: Mapping[str, str]) -> tuple[str, ...]:
    """Returns a key that two evaluations have in common if they can be compared by all metrics.

    `signatures` maps the name of each metric to sacrebleu's signature.
    """
    return (test_sha256, *(f"{name} {scoring(signatures[name])}" for name in sorted(signatures)))


def metric_as_scored(key: str, *evaluations: Evidence) -> Metric:
    """Returns the metric of the table with the options that the evaluations were scored with.

    They are those of the first evaluation that has the metric, so `differences` must be empty.
    """
    signatures = (one.signatures[key] for one in evaluations if key in one.signatures)
    signature = next(signatures, None)
    return METRICS[key] if signature is None else metric_of(METRICS[key], signature)


def differences(a: Evidence, b: Evidence) -> list[str]:
    """Returns the reasons why two evaluations cannot be compared, each with both values.

    The list is empty if they can. Both the hash of the test file and the sentences in
    translations.jsonl must be equal, so that an outdated or edited file is found.
    """
    return [*_in_test_set(a, b), *_in_rows(a, b), *_in_scoring(a, b)]


def inconsistencies(evidence: Evidence) -> list[str]:
    """Returns one message for each contradiction between the files of an evaluation.

    The translations are scored again with the options that each signature names, and must have the
    scores that metrics.json reports.
    """
    reported, rows = evidence.metrics, evidence.rows
    if reported.test.sentences != len(rows):
        return [
            f"metrics.json says {reported.test.sentences} sentences, "
            f"translations.jsonl has {len(rows)}"
        ]
    found = []
    for score in reported.scores:
        if is_neural(score.signature):
            continue  # its program is not run for a check
        if score.name not in METRICS:
            found.append(f"{score.name} is a metric that this version of Tracelate does not have")
            continue
        scorer = Scorer(metric_of(METRICS[score.name], score.signature))
        statistics_NK = scorer.statistics(
            [row.translation for row in rows], [row.references for row in rows]
        )
        value, signature = scorer.score(statistics_NK.sum(axis=0)), scorer.signature()
        if scoring(score.signature) != signature:
            found.append(
                f"{score.name} was scored by {scoring(score.signature)}, but is here by {signature}"
            )
        elif not abs(score.value - value) <= SAME_SCORE:  # also if one is NaN
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
        name = "references" if side == "reference" else side
        texts = [[getattr(row, name) for row in evidence.rows] for evidence in (a, b)]
        pairs = list(zip(*texts, strict=True))
        places = [place for place, (left, right) in enumerate(pairs) if left != right]
        if places:
            left, right = (_quote(_shown(text)) for text in pairs[places[0]])
            order = ", in another order" if sorted(texts[0]) == sorted(texts[1]) else ""
            yield (
                f"{len(places)} of {len(pairs)} {side}s differ{order}, first in sentence "
                f"{places[0] + 1}: {left} and {right}"
            )


def _in_scoring(a: Evidence, b: Evidence) -> Iterator[str]:
    shared = [name for name in a.signatures if name in b.signatures]
    if not shared:
        yield (
            f"no metric was computed for both: {', '.join(a.signatures) or 'none'} and "
            f"{', '.join(b.signatures) or 'none'}"
        )
    for name in shared:
        left, right = (scoring(evidence.signatures[name]) for evidence in (a, b))
        if left != right:
            unequal = list(_unequal_parts(name, left, right))
            yield f"{name}'s signatures differ: {', '.join(unequal) or f'{left} and {right}'}"


def _unequal_parts(name: str, left: str, right: str) -> Iterator[str]:
    """Yields the parts of two signatures that differ, with the setting that each depends on."""
    kind = METRICS[name].sacrebleu_class if name in METRICS else ""
    of_left, of_right = signature_parts(left), signature_parts(right)
    for part in of_left:
        if part in of_right and of_left[part] != of_right[part]:
            setting = SETTINGS.get((kind, part))
            shown = f" ({setting})" if setting else ""
            yield f"{part}:{of_left[part]} and {part}:{of_right[part]}{shown}"


def _shown(text: str | tuple[str, ...]) -> str:
    return text if isinstance(text, str) else " / ".join(text)


def _quote(text: str) -> str:
    """Puts quotation marks around a text, so that a space at its end is visible."""
    return repr(text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…")
