"""reports/data.json: what became of the corpus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracelate.corpus.cleaning import RULES
from tracelate.corpus.leakage import GRAM, NEAR, Leakage
from tracelate.corpus.splitting import HELD_OUT, Splits, count_groups


def data_report(
    read: int, dropped: Mapping[str, int], splits: Splits, leakage: Mapping[str, Leakage]
) -> dict[str, Any]:
    return {
        "read": read,
        "kept": sum(len(pairs) for pairs in splits.values()),
        "dropped": {rule: dropped.get(rule, 0) for rule in (*RULES, HELD_OUT)},
        "splits": {
            name: {"pairs": len(pairs), "groups": count_groups(pairs)}
            for name, pairs in splits.items()
        },
        "near_duplicate": f"Jaccard similarity of character {GRAM}-grams >= {NEAR}",
        "leakage": {name: _as_json(one) for name, one in leakage.items()},
    }


def _as_json(leakage: Leakage) -> dict[str, Any]:
    examples = [example._asdict() for example in leakage.examples]
    return {**leakage._asdict(), "examples": examples}
