"""Checks of a model's behaviour: faults that scores such as BLEU do not show.

A check of the test set is a row of `TEST_CHECKS` and a function in
`tracelate.evaluation.behaviour.faults`; a check of made sentences is a row of `VARIANT_CHECKS` and
a function in `tracelate.evaluation.behaviour.variants`. Reports, MLflow, the page of translations,
the model card, the settings and the registry's gate use these tables.
"""

from __future__ import annotations

from typing import NamedTuple


class BehaviourCheck(NamedTuple):
    """A fault that is counted in translations. Fewer are better."""

    key: str
    """Name in metrics.json, in params.yaml and in MLflow: lower-case letters and `_`."""
    title: str
    """Name of the fault in tables and texts."""
    meaning: str
    """Description of the fault, in a few words."""


TEST_CHECKS: dict[str, BehaviourCheck] = {
    check.key: check
    for check in (
        BehaviourCheck("placeholders", "placeholder changed", "placeholders, tags, URLs or e-mail "
                       "addresses are not those of the source"),
        BehaviourCheck("numbers", "number changed", "numbers are not those of the source"),
        BehaviourCheck("repetition", "repetition", "a piece or phrase three times in a row"),
        BehaviourCheck("empty", "empty", "no word at all"),
        BehaviourCheck("copied", "not translated", "more than half of the source's words"),
        BehaviourCheck("length", "unusual length", "much shorter or longer than any reference"),
        BehaviourCheck("invented", "invented word", "a word that neither the training text nor "
                       "the source has"),
    )
}  # fmt: skip
"""Checks of the test set's translations by key, in the order of tables."""

VARIANT_CHECKS: dict[str, BehaviourCheck] = {
    check.key: check
    for check in (
        BehaviourCheck("short", "one or two words", "only the first words of a sentence"),
        BehaviourCheck("upper_case", "all upper case", "a sentence in capital letters"),
        BehaviourCheck("typos", "typing errors", "letters exchanged, dropped or doubled"),
        BehaviourCheck("no_final_mark", "no final punctuation", "a sentence without its last mark"),
        BehaviourCheck("added_placeholder", "placeholder added", "a placeholder put into a "
                       "sentence"),
    )
}  # fmt: skip
"""Checks of sentences made from test sentences by key, in the order of tables."""

CHECKS: dict[str, BehaviourCheck] = TEST_CHECKS | VARIANT_CHECKS


def check_title(key: str) -> str:
    """Returns the title of a check, or its key if it is only known to a newer version."""
    return CHECKS[key].title if key in CHECKS else key
