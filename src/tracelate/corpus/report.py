"""reports/data.json: the counts of normalising, cleaning and splitting, and the leakage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracelate.config import PrepareConfig
from tracelate.corpus.cleaning import RULES, TEXTS, CleaningCounts
from tracelate.corpus.leakage import Leakage
from tracelate.corpus.splitting import HELD_OUT, Splits, count_groups


def data_report(
    read: int,
    counts: CleaningCounts,
    splits: Splits,
    leakage: Mapping[str, Leakage],
    config: PrepareConfig,
) -> dict[str, Any]:
    """Returns the content of the report. `read` is the number of pairs in the raw corpus."""
    near = config.near_duplicate
    changed = {"source": counts.changed_sources, "target": counts.changed_targets}
    return {
        "read": read,
        "kept": sum(len(pairs) for pairs in splits.values()),
        "normalised": {
            side: {name: counted[name] for name in (TEXTS, *config.normalise)}
            for side, counted in changed.items()
        },
        "dropped": {rule: counts.dropped[rule] for rule in (*RULES, HELD_OUT)},
        "splits": {
            name: {"pairs": len(pairs), "groups": count_groups(pairs)}
            for name, pairs in splits.items()
        },
        "near_duplicate": f"Jaccard similarity of character {near.gram}-grams >= {near.similarity}",
        "leakage": {name: _as_json(one) for name, one in leakage.items()},
    }


def _as_json(leakage: Leakage) -> dict[str, Any]:
    examples = [example._asdict() for example in leakage.examples]
    return {**leakage._asdict(), "examples": examples}
