"""One sentence about each rule by which prepare drops pairs."""

from __future__ import annotations

from collections.abc import Mapping

from tracelate.config import PrepareConfig
from tracelate.corpus.cleaning import SHIFTED
from tracelate.corpus.leakage import NEAR_HELD_OUT
from tracelate.corpus.rules import ROW_RULES
from tracelate.corpus.splitting import HELD_OUT

REPEATS: Mapping[str, str] = {
    "duplicate": "Pairs that occur before.",
    "duplicate_normalised": "Pairs that occur before, apart from case, punctuation and spacing.",
    "duplicate_source": "Pairs whose source occurs before.",
    "duplicate_target": "Pairs whose target occurs before.",
    "many_targets": "Pairs after the first prepare.max_targets of a source.",
}
STEPS: Mapping[str, str] = {
    SHIFTED: "Pairs whose target belongs to the source one line before or after.",
    HELD_OUT: "Training pairs whose source is in the validation or test text, and validation pairs "
    "whose source is in the test text.",
    NEAR_HELD_OUT: "Training pairs whose source is a near duplicate of a validation or test one.",
}
"""Drops that prepare.rules does not name."""


def rules_in_order(config: PrepareConfig) -> list[str]:
    """Returns the rules of the settings in the order in which they are tried."""
    shifted = [SHIFTED] if config.shifted == "drop" else []
    return [*shifted, *config.rules, HELD_OUT, NEAR_HELD_OUT]


def describe_rule(name: str) -> str:
    """Returns the description of a rule in one line."""
    own: dict[str, str] = {
        rule: " ".join((test.__doc__ or "").split()) for rule, test in ROW_RULES.items()
    }
    return {**own, **REPEATS, **STEPS}[name]
