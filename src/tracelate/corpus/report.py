"""reports/data.json: the counts of normalising, cleaning and splitting, and the leakage."""

from __future__ import annotations

import math
from typing import Any

from tracelate.config import NearDuplicateConfig, PrepareConfig
from tracelate.corpus.cleaning import SHIFTED, TEXTS
from tracelate.corpus.leakage import NEAR_HELD_OUT, Leakage
from tracelate.corpus.preparing import Prepared
from tracelate.corpus.shifts.shifted_lines import Shifted
from tracelate.corpus.splitting import HELD_OUT
from tracelate.text.times import show_time

FEW_PAIRS = 10_000
"""Number of training pairs below which prepare warns: half of those behind the README's scores.
Of the 64 languages that the default corpus has besides English, 22 have as many."""
HARDLY_ANY_PAIRS = 1_000
"""Number of training pairs below which hardly anything is learnt: 300 of en-es gave BLEU 0."""
FEW_HELD_OUT = 200
"""Number of sentences below which a score says little: BLEU's 95 % interval is 3.5 points wide on
the default corpus's 2,335 test sentences, and so about 12 on 200."""
MANY_HELD_OUT = 20_000
"""Number of sentences above which a score gains nothing from more, and an evaluation takes long:
BLEU's 95 % interval is about 1.2 points wide on so many."""
ENOUGH_HELD_OUT = 5_000
"""Number of sentences that the advice leads to."""
LARGEST_SHARE = 20
"""Percentage of the corpus above which more held-out text costs too much training text."""
HELD_OUT_SPLITS = {
    "valid": ("validation", "which weights are kept is left to chance"),
    "test": ("test", "only large differences of scores can be shown"),
}
"""Name of each held-out split, and the effect of too few sentences."""


def data_report(prepared: Prepared, config: PrepareConfig) -> dict[str, Any]:
    """Returns the content of the report."""
    counts = prepared.counts
    changed = {"source": counts.changed_sources, "target": counts.changed_targets}
    times = {f"{one.split}_from": show_time(one.time) for one in prepared.borders}
    return {
        "read": prepared.read,
        "kept": prepared.kept,
        "normalised": {
            side: {name: counted[name] for name in (TEXTS, *config.normalise)}
            for side, counted in changed.items()
        },
        "typical_length_ratio": round(prepared.typical_ratio, 3),
        "dropped": {
            rule: counts.dropped[rule]
            for rule in (
                *([SHIFTED] if config.shifted == "drop" else []),
                *config.rules,
                HELD_OUT,
                NEAR_HELD_OUT,
            )
        },
        **({"shifted": _shifted_document(prepared.shifted)} if prepared.shifted.runs else {}),
        "splits": {name: size._asdict() for name, size in prepared.sizes.items()},
        **({"times": times} if times else {}),
        "near_duplicate": describe_near_duplicate(config.near_duplicate),
        "near_dropped": {
            name: {
                "held_out": one.held_out,
                "examples": [example._asdict() for example in one.examples],
            }
            for name, one in prepared.left_out.items()
        },
        "leakage": {name: leakage_document(one) for name, one in prepared.leakage.items()},
        **({"sources": prepared.sources} if prepared.sources else {}),
    }


def _shifted_document(shifted: Shifted) -> dict[str, Any]:
    listed = [
        {**run._asdict(), "examples": [example._asdict() for example in run.examples]}
        for run in shifted.listed
    ]
    return {**shifted._asdict(), "listed": listed}


def few_pairs_warning(pairs: int, language: str) -> str | None:
    """Returns what to expect of a model that is trained on so few pairs; None if they are enough.

    `language` names both languages. FEW_PAIRS and HARDLY_ANY_PAIRS have the bounds.
    """
    if pairs >= FEW_PAIRS:
        return None
    expected = (
        "a model learns single words at most, and its scores say nothing about it"
        if pairs < HARDLY_ANY_PAIRS
        else "expect translations that are mostly wrong, and scores that change with the seed"
    )
    return (
        f"only {pairs:,} training pairs of {language}: {expected}. {FEW_PAIRS:,} or more are "
        "advisable: add text of your own (docs/guides/own-text.md)"
    )


def few_held_out_warning(split: str, pairs: int, percent: float | None) -> str | None:
    """Returns what so few sentences of valid or test mean, with a value to set; None if enough.

    `percent` is the setting by which the split was taken; None if the corpus has it ready-made.
    FEW_HELD_OUT has the bound.
    """
    if pairs >= FEW_HELD_OUT:
        return None
    title, effect = HELD_OUT_SPLITS[split]
    line = f"only {pairs:,} {title} sentences: {effect}; "
    if percent is None:
        return f"{line}add text to the {title} files, {FEW_HELD_OUT} sentences or more"
    needed = max(1, math.ceil(percent * FEW_HELD_OUT / pairs))
    if needed <= LARGEST_SHARE:
        return f"{line}set prepare.{split}_percent to {needed}"
    if percent < LARGEST_SHARE:
        return f"{line}set prepare.{split}_percent to {LARGEST_SHARE}, and add text of your own"
    return f"{line}add text of your own (docs/guides/own-text.md)"


def many_held_out_warning(split: str, pairs: int, percent: float | None) -> str | None:
    """Returns that fewer sentences of valid or test do, with a value to set; None if not too many.

    `percent` is the setting by which the split was taken; None if the corpus has it ready-made.
    """
    if percent is None or pairs <= MANY_HELD_OUT:
        return None
    title, _ = HELD_OUT_SPLITS[split]
    return (
        f"{pairs:,} {title} sentences are more than a score needs, cost training text and take "
        f"long to translate: set prepare.{split}_percent to {percent * ENOUGH_HELD_OUT / pairs:.2g}"
    )


def describe_near_duplicate(near: NearDuplicateConfig) -> str:
    """Returns the definition of a near duplicate that leakage was measured with."""
    return f"Jaccard similarity of character {near.gram}-grams >= {near.similarity}"


def leakage_document(leakage: Leakage) -> dict[str, Any]:
    """Returns the counts and examples as JSON values."""
    examples = [example._asdict() for example in leakage.examples]
    return {**leakage._asdict(), "examples": examples}
