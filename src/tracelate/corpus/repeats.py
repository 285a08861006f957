"""Cleaning rules that compare a pair with those before it: the first one is kept.

Texts are compared by 64 bits of their hash (XXH3), of which 8 bytes a pair are in RAM, and not the
texts: pairs of a billion have one equal hash by chance with a probability of 3 %, and then one of
them is dropped for no reason. A Python set takes 200 bytes a pair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from tracelate.config import RuleName
from tracelate.corpus.grams import fold

Keys = NDArray[np.uint64]


def text_keys(texts: pa.StringArray) -> Keys:
    """Returns the hash of each text."""
    values = texts.cast(pa.binary()).to_pylist()
    return np.fromiter(map(xxhash.xxh3_64_intdigest, values), np.uint64, len(values))


def folded_keys(texts: pa.StringArray) -> Keys:
    """Returns the hash of each text without case, punctuation and spacing."""
    points = fold(texts, digits_differ=True)
    data, bounds = points.codes.tobytes(), (4 * points.bounds).tolist()
    return np.fromiter(
        (xxhash.xxh3_64_intdigest(data[begin:end]) for begin, end in pairwise(bounds)),
        np.uint64,
        len(texts),
    )


def joint_keys(first: Keys, second: Keys) -> Keys:
    """Returns a hash of each pair of hashes, in which the sides are not alike."""
    return (first * np.uint64(0x9E3779B97F4A7C15)) ^ (second + (first >> np.uint64(7)))


REPEAT_KEYS: Mapping[RuleName, Callable[[pa.RecordBatch], Keys]] = {
    "duplicate": lambda batch: joint_keys(text_keys(batch["source"]), text_keys(batch["target"])),
    "duplicate_normalised": lambda batch: joint_keys(
        folded_keys(batch["source"]), folded_keys(batch["target"])
    ),
    "duplicate_source": lambda batch: text_keys(batch["source"]),
    "duplicate_target": lambda batch: text_keys(batch["target"]),
    "many_targets": lambda batch: text_keys(batch["source"]),
}
"""The keys by which each rule compares pairs. duplicate: both sides; duplicate_normalised: both
sides without case, punctuation and spacing; duplicate_source and duplicate_target: one
side; many_targets: pairs after the first prepare.max_targets of a source."""


def is_repeated(keys: Keys, most: int = 1) -> NDArray[np.bool_]:
    """Returns False for the first `most` of equal keys, and True for those after them."""
    order = np.argsort(keys, kind="stable")
    in_order = keys[order]
    places = np.arange(len(keys))
    is_new = np.ones(len(keys), bool)
    is_new[1:] = in_order[1:] != in_order[:-1]
    repeated = np.empty(len(keys), bool)
    repeated[order] = places - np.maximum.accumulate(np.where(is_new, places, 0)) >= most
    return repeated
