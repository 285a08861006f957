"""The counts of an inspection as JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tracelate.corpus.cleaning import SHIFTED
from tracelate.corpus.leakage import NEAR_HELD_OUT
from tracelate.corpus.report import data_report
from tracelate.corpus.splitting import HELD_OUT
from tracelate.inspection.frequent import FrequentPair
from tracelate.inspection.inspecting import Inspection
from tracelate.inspection.outcomes import Comparison
from tracelate.inspection.rules import rules_in_order


def counts_document(inspection: Inspection, frequent: Sequence[FrequentPair]) -> dict[str, Any]:
    """Returns the content of reports/data.json, and what the page has besides."""
    return {
        **data_report(inspection.prepared, inspection.config),
        "characters": {
            side: {
                **summary._asdict(),
                "foreign": [use._asdict() for use in summary.foreign],
            }
            for side, counts in inspection.inspector.characters.items()
            for summary in [counts.summary()]
        },
        "frequent_pairs": [pair._asdict() for pair in frequent],
        "warnings": inspection.prepared.warnings,
    }


def comparison_document(
    before: Inspection, after: Inspection, comparison: Comparison
) -> dict[str, Any]:
    """Returns the counts that differ between two settings."""
    return {
        "kept": {"before": before.prepared.kept, "after": after.prepared.kept},
        "dropped": {
            row.rule: {"before": row.before, "after": row.after}
            for row in rule_changes(before, after)
        },
        "only_before": comparison.only_before,
        "only_after": comparison.only_after,
        "other_split": comparison.other_split,
    }


LAST_RULES = (HELD_OUT, NEAR_HELD_OUT)
"""Tried after all rules of the settings."""


class RuleChange(NamedTuple):
    """The pairs that a rule drops with two settings; None where it is not among the rules."""

    rule: str
    before: int | None
    after: int | None


def rule_changes(before: Inspection, after: Inspection) -> list[RuleChange]:
    """Returns each rule of either of the settings."""
    sides = [
        {rule: one.prepared.counts.dropped[rule] for rule in rules_in_order(one.config)}
        for one in (before, after)
    ]
    names = [SHIFTED, *dict.fromkeys([*before.config.rules, *after.config.rules]), *LAST_RULES]
    used = [name for name in names if name in sides[0] or name in sides[1]]
    return [RuleChange(name, sides[0].get(name), sides[1].get(name)) for name in used]
