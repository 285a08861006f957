"""The shares of several sources in a corpus: their pairs, how many are taken, and how often.

The origin and the group of each pair begin with the name of its source. What is taken depends on
the text of a pair alone, so that it stays the same when pairs or sources are added.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracelate.corpus.pairs import SCHEMA, Pair
from tracelate.corpus.provenance import Share
from tracelate.errors import InputError

NAME_MARK = ":"
"""Parts the name of a source from the rest of an origin or group."""
FOR_LIMIT, FOR_WEIGHT = "max_pairs", "weight"
"""Two uses of a pair's place, which must not depend on each other."""


def with_name(table: pa.Table, name: str) -> pa.Table:
    """Returns the pairs with the source's name before each group and origin."""
    prefix = pa.scalar(f"{name}{NAME_MARK}")
    for column in ("group", "origin"):
        named = pc.binary_join_element_wise(prefix, table[column], "")
        table = table.set_column(table.schema.get_field_index(column), column, named)
    return table.cast(SCHEMA)


def source_of(pair: Pair) -> str:
    """Returns the name of the source of a pair from several sources."""
    return pair.origin.partition(NAME_MARK)[0]


def take_pairs(table: pa.Table, most: int) -> pa.Table:
    """Returns at most so many pairs, in their order: those with the lowest places."""
    if table.num_rows <= most:
        return table
    places = np.fromiter(
        (
            place_of_pair(source, target, FOR_LIMIT)
            for batch in table.select(["source", "target"]).to_batches(max_chunksize=10_000)
            for source, target in zip(*map(pa.Array.to_pylist, batch.columns), strict=True)
        ),
        dtype=np.float64,
        count=table.num_rows,
    )
    is_taken = np.zeros(table.num_rows, dtype=bool)
    is_taken[np.argsort(places, kind="stable")[:most]] = True
    return table.filter(pa.array(is_taken))  # `take` would join columns of more than 2 GiB


def weigh(pairs: Iterable[Pair], weights: Mapping[str, float]) -> Iterator[Pair]:
    """Yields each pair as often as the weight of its source says; copies follow each other."""
    for pair in pairs:
        weight = weights[source_of(pair)]
        whole = int(weight)
        rest = weight - whole
        has_more = rest > 0 and place_of_pair(pair.source, pair.target, FOR_WEIGHT) < rest
        for _ in range(whole + has_more):
            yield pair


def place_of_pair(source: str, target: str, use: str) -> float:
    """Returns a number from 0 to 1, the latter excluded, that both texts and the use decide."""
    text = "\0".join((use, source, target)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) / 2**64


def weigh_sources(
    splits: Mapping[str, list[Pair]], shares: Mapping[str, Share]
) -> tuple[dict[str, list[Pair]], dict[str, Any]]:
    """Returns the splits with the training pairs as often as the weights say, and the report.

    The report has for each source the pairs that were read and kept, by split, its weight, and its
    pairs in the training text. It is empty if `shares` is, as those of a corpus with one source.

    Raises InputError if no training pair is left.
    """
    if not shares:
        return dict(splits), {}
    weights = {name: share.weight for name, share in shares.items()}
    weighted = {**splits, "train": list(weigh(splits["train"], weights))}
    if not weighted["train"]:
        raise InputError(
            f"the weights of download.sources leave none of {len(splits['train']):,} training "
            "pairs: raise them"
        )
    kept = {split: Counter(map(source_of, pairs)) for split, pairs in splits.items()}
    trained = Counter(map(source_of, weighted["train"]))
    report = {
        name: {
            "read": dict(share.pairs),
            "kept": {split: counted[name] for split, counted in kept.items()},
            "weight": share.weight,
            "training_pairs": trained[name],
        }
        for name, share in shares.items()
    }
    return weighted, report
