"""reports/data.json: the counts of cleaning and splitting, and the leakage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracelate.config import NearDuplicateConfig
from tracelate.corpus.cleaning import RULES
from tracelate.corpus.leakage import Leakage
from tracelate.corpus.splitting import HELD_OUT, Splits, count_groups


def data_report(
    read: int,
    dropped: Mapping[str, int],
    splits: Splits,
    leakage: Mapping[str, Leakage],
    near: NearDuplicateConfig,
) -> dict[str, Any]:
    """Returns the content of the report. `read` is the number of pairs in the raw corpus."""
    return {
        "read": read,
        "kept": sum(len(pairs) for pairs in splits.values()),
        "dropped": {rule: dropped.get(rule, 0) for rule in (*RULES, HELD_OUT)},
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
