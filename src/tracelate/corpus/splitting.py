"""Splits a corpus so that no test sentence is trained on or validated with."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tracelate.config import PrepareConfig
from tracelate.corpus.pairs import Pair
from tracelate.corpus.raw import ALL, SPLITS
from tracelate.errors import InputError

Splits = dict[str, list[Pair]]

HELD_OUT = "source_in_held_out"
"""The rule that drops training pairs whose source is in valid or test, and validation pairs whose
source is in test."""


def split(parts: Mapping[str, Sequence[Pair]], config: PrepareConfig) -> Splits:
    """Keeps ready-made splits and takes the missing ones from "all", group by group, or without it
    from train.

    Raises InputError if there is nothing to split or the percentages leave no training text.
    """
    rest = parts.get(ALL, parts.get("train"))
    if rest is None:
        raise InputError("the corpus has no training text: it needs train.parquet or all.parquet")
    shares = {
        name: percent
        for name, percent in (("test", config.test_percent), ("valid", config.valid_percent))
        if name not in parts
    }
    if sum(shares.values()) >= 100:
        raise InputError(
            f"prepare.valid_percent {config.valid_percent:g} and prepare.test_percent "
            f"{config.test_percent:g} leave nothing to train on: lower them"
        )
    splits: Splits = {name: list(parts.get(name, [])) for name in SPLITS}
    if ALL not in parts:
        splits["train"] = []
    for pair in rest:
        splits[split_at(place_of(pair.group, config.seed), shares)].append(pair)
    return splits


def drop_held_out(splits: Splits, dropped: Counter[str]) -> Splits:
    """Drops by the rule HELD_OUT, and adds the number of pairs to `dropped`."""
    test = {pair.source for pair in splits["test"]}
    valid = [pair for pair in splits["valid"] if pair.source not in test]
    held_out = test | {pair.source for pair in valid}
    train = [pair for pair in splits["train"] if pair.source not in held_out]
    kept = {"train": train, "valid": valid, "test": splits["test"]}
    dropped[HELD_OUT] += sum(len(splits[name]) - len(kept[name]) for name in SPLITS)
    return kept


def refuse_empty(splits: Splits, read: int, dropped: Mapping[str, int]) -> None:
    """Raises InputError, which names the empty splits and the pairs that each rule dropped."""
    empty = [name for name in SPLITS if not splits[name]]
    if empty:
        rules = ", ".join(f"{name} {count:,}" for name, count in dropped.items() if count)
        groups = len({pair.group for part in splits.values() for pair in part})
        raise InputError(
            f"the split {' and '.join(empty)} is empty: of {read:,} pairs read, dropped were "
            f"{rules or 'none'}; {groups:,} groups are left to split; change prepare's rules or "
            "percentages, or the corpus"
        )


def count_groups(pairs: Iterable[Pair]) -> int:
    return len({pair.group for pair in pairs})


def place_of(group: str, seed: int) -> float:
    """Returns a number from 0 to 100, the latter excluded, that the group's name and the seed alone
    decide, so that new groups move no old ones.
    """
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64 * 100


def split_at(place: float, shares: Mapping[str, float]) -> str:
    """Returns the split that a place from 0 to 100 belongs to: the shares, in percent, follow each
    other from 0, and the rest is train. A border belongs to the split that begins there.
    """
    for name, percent in shares.items():
        if place < percent:
            return name
        place -= percent
    return "train"
