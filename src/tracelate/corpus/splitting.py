"""Splits a corpus so that no test sentence is trained on or validated with.

The name of a group, hashed with the seed, is its place from 0 to 100. Groups below
prepare.test_percent are test text, those in the next prepare.valid_percent validation text, and the
rest is training text. So new groups move no old ones. With prepare.split_by group, three things
depend on all groups:

- A group with more pairs than the split's share of the corpus is training text. It can become test
  text when the corpus grows, never the reverse, unless the group itself grows beyond the share.
- A split that would have less than a quarter of its share is filled up with the next groups in the
  order of their places. When the corpus grows, these can return to the training text.
- If there are not enough groups for that, the corpus is split by pair, by the hash of the source
  text, so that equal sources stay together. With enough groups it would be split by group again.

A warning names each of them. Also, of a pair that two groups have, the first is kept, which may
change when text is added before it.

With prepare.split_by group_hash, nothing but the place counts, and of a pair that several groups
have, one in a held-out group is kept. With pair, the place is that of the source text. With these
two, a pair never moves from test or valid to train. `tracelate.corpus.time_splitting` has the split
by time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracelate.config import PrepareConfig
from tracelate.corpus.raw import SPLITS
from tracelate.errors import InputError

HELD_OUT = "source_in_held_out"
"""The rule that drops training pairs whose source is in valid or test, and validation pairs whose
source is in test."""
TRAIN, VALID, TEST = range(len(SPLITS))
"""Numbers of the splits, in the order of SPLITS."""

FEW = 1 / 4
"""Share of the wanted pairs below which a split is filled up. With 50 groups of equal size, the
split of 10 % is below it for one seed of 30."""

Places = NDArray[np.uint64]
"""Places of groups or texts, in units of 100 / 2⁶⁴ percent."""
Codes = NDArray[np.uint8]
"""The number of a split for each pair."""


class Assignment(NamedTuple):
    """The split of each pair, and what a user has to know about it."""

    codes: Codes
    warnings: list[str]


def shares_of(missing: Iterable[str], config: PrepareConfig) -> dict[str, float]:
    """Returns the percentages of the splits that are missing in the corpus, test first.

    Raises InputError if they leave no training text.
    """
    percents = {"test": config.test_percent, "valid": config.valid_percent}
    wanted = set(missing)
    shares = {name: percent for name, percent in percents.items() if name in wanted}
    if sum(shares.values()) >= 100:
        raise InputError(
            f"prepare.valid_percent {config.valid_percent:g} and prepare.test_percent "
            f"{config.test_percent:g} leave nothing to train on: lower them"
        )
    return shares


def assign_by_group_hash(groups: Places, shares: Mapping[str, float]) -> Assignment:
    """Splits pairs by the places of their groups alone."""
    codes = split_at(groups, shares)
    return Assignment(codes, list(large_warnings(codes, shares, "its groups are large")))


def large_warnings(codes: Codes, shares: Mapping[str, float], reason: str) -> Iterator[str]:
    """Yields a warning about each split with more than twice its share of the pairs."""
    for name, percent in shares.items():
        found = 100 * float(np.mean(codes == SPLITS.index(name))) if len(codes) else 0.0
        if found > 2 * percent:
            yield (
                f"{name} has {found:.1f} % of the pairs in place of {percent:g} %, because "
                f"{reason}: divide the text into smaller groups, or set prepare.split_by to pair"
            )


def assign(
    groups: Places, shares: Mapping[str, float], by: str, sources: Callable[[], Places]
) -> Assignment:
    """Splits pairs by the places of their groups, or by those of their sources.

    `by` is prepare.split_by: group or pair. `sources` is called only if the places of the sources
    are needed.
    """
    if by == "pair" or not shares or not len(groups):
        return Assignment(split_at(sources() if by == "pair" else groups, shares), [])
    names, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    codes, warnings = split_at(names, shares), []
    for name, percent in shares.items():
        code, wanted = SPLITS.index(name), len(groups) * percent / 100
        too_large = (codes == code) & (sizes > wanted)
        codes[too_large] = TRAIN
        if too_large.any():
            warnings.append(
                f"{too_large.sum():,} groups with more pairs than the {percent:g} % of {name} are "
                "training text, though their names would make them held-out text; divide them to "
                "have them there"
            )
    for name, percent in shares.items():
        code, wanted = SPLITS.index(name), len(groups) * percent / 100
        found = sizes[codes == code].sum()
        if found < FEW * wanted:
            spare = np.flatnonzero((codes == TRAIN) & (sizes <= wanted))
            needed = spare[: int(np.searchsorted(np.cumsum(sizes[spare]), wanted - found)) + 1]
            codes[needed] = code
            if (held := sizes[codes == code].sum()) < FEW * wanted:
                return Assignment(split_at(sources(), shares), [_by_pair_warning(len(names))])
            warnings.append(
                f"{name} had {found:,} pairs of the {wanted:,.0f} that are wanted, and was filled "
                f"up to {held:,} with {len(needed):,} groups; these can return to the training "
                "text when the corpus grows"
            )
    left, wanted_left = sizes[codes == TRAIN].sum(), len(groups) * (1 - sum(shares.values()) / 100)
    if left < wanted_left / 2:
        return Assignment(split_at(sources(), shares), [_by_pair_warning(len(names))])
    codes = codes[members]
    return Assignment(codes, [*warnings, *large_warnings(codes, shares, "its groups are large")])


def _by_pair_warning(groups: int) -> str:
    return (
        f"{groups:,} groups are too few, or too unequal, to split by: the corpus is split by pair, "
        "so that sentences of one document are on both sides; set prepare.split_by to pair to keep "
        "this when the corpus grows, or divide the text into smaller groups"
    )


def place_of(name: str, seed: int) -> int:
    """Returns the place of a group or text, which its name and the seed alone decide."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8])


def places_of(names: pa.StringArray, seed: int) -> Places:
    """Returns the place of each name."""
    coded = names.dictionary_encode()
    places = [place_of(name, seed) for name in coded.dictionary.to_pylist()]
    return np.asarray(np.array(places, np.uint64)[coded.indices.to_numpy()])


def split_at(places: Places, shares: Mapping[str, float]) -> Codes:
    """Returns the split that each place belongs to: the shares, in percent, follow each other from
    0, and the rest is train. A border belongs to the split that begins there.
    """
    percents = places / 2**64 * 100
    codes = np.full(len(places), TRAIN, np.uint8)
    for name, percent in shares.items():
        codes[(codes == TRAIN) & (percents < percent)] = SPLITS.index(name)
        percents = percents - percent
    return codes


def refuse_empty(
    sizes: Mapping[str, int], groups: int, read: int, dropped: Mapping[str, int]
) -> None:
    """Raises InputError, which names the empty splits and the pairs that each rule dropped.

    `sizes` has the number of pairs of each split, and `groups` that of the groups of all splits.
    """
    empty = [name for name in SPLITS if not sizes[name]]
    if empty:
        rules = ", ".join(f"{name} {count:,}" for name, count in dropped.items() if count)
        raise InputError(
            f"the split {' and '.join(empty)} is empty: of {read:,} pairs read, dropped were "
            f"{rules or 'none'}; {groups:,} groups are left to split; change prepare's rules or "
            "percentages, or the corpus"
        )
