"""Leakage: held-out text that training has seen, exactly or nearly.

Two sentences are near duplicates where the sets of their character 5-grams, A and B, have a
Jaccard similarity |A ∩ B| / |A ∪ B| of at least 0.8. Case, digits, punctuation and spacing are
folded first, so that "Step 1: Press Start" and "step 2, press start" are alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tracelate.corpus.pairs import Pair
from tracelate.errors import InputError

NEAR = 0.8
GRAM = 5
_CELLS = 4_000_000
"""Similarities that are held in memory at once, at most."""


class Nearest(NamedTuple):
    """The training sentence most like a held-out one."""

    held_out: int
    trained: int
    similarity: float


class Example(NamedTuple):
    held_out: str
    trained: str
    similarity: float


class Leakage(NamedTuple):
    """Of one held-out split into train. Percent is of the held-out pairs."""

    exact_source: int
    exact_target: int
    near_source: int
    exact_source_percent: float
    exact_target_percent: float
    near_source_percent: float
    examples: list[Example]
    """Of near duplicates, spread evenly over them from the most to the least alike."""


def measure_leakage(
    held_out: Sequence[Pair],
    train: Sequence[Pair],
    *,
    example_count: int = 5,
    advance: Callable[[int], object] = lambda count: None,
) -> Leakage:
    """`advance` is told how many held-out pairs are done."""
    trained_sources = {pair.source for pair in train}
    trained_targets = {pair.target for pair in train}
    exact_source = sum(pair.source in trained_sources for pair in held_out)
    exact_target = sum(pair.target in trained_targets for pair in held_out)
    near: list[Nearest] = []
    sources = [pair.source for pair in held_out]
    for block in nearest(sources, [pair.source for pair in train]):
        near += [one for one in block if one.similarity >= NEAR]
        advance(len(block))
    near.sort(key=lambda one: (-one.similarity, one.held_out))
    shown = near[:: max(1, len(near) // example_count)][:example_count]
    examples = [
        Example(held_out[one.held_out].source, train[one.trained].source, round(one.similarity, 3))
        for one in shown
    ]
    return Leakage(
        exact_source=exact_source,
        exact_target=exact_target,
        near_source=len(near),
        exact_source_percent=100 * exact_source / len(held_out),
        exact_target_percent=100 * exact_target / len(held_out),
        near_source_percent=100 * len(near) / len(held_out),
        examples=examples,
    )


def nearest(held_out: Sequence[str], train: Sequence[str]) -> Iterator[list[Nearest]]:
    """For each held-out sentence the training sentence most like it (the first of equals),
    in blocks.
    """
    vocabulary: dict[str, int] = {}
    trained_NG = _gram_matrix(train, vocabulary)
    held_out_NG = _gram_matrix(held_out, vocabulary)
    size = len(vocabulary)
    trained_NG.resize(len(train), size)
    trained_GN = trained_NG.T.tocsr()
    trained_sizes = np.diff(trained_NG.indptr)
    rows = max(1, _CELLS // max(1, len(train)))
    for start in range(0, len(held_out), rows):
        block = held_out_NG[start : start + rows]
        common = (block @ trained_GN).tocsr()
        common.sort_indices()
        yield list(_nearest_in_block(start, common, np.diff(block.indptr), trained_sizes))


def grams(text: str) -> set[str]:
    """The folded text's character 5-grams; a shorter text is one gram by itself."""
    folded = re.sub(r"\d", "0", text.casefold())
    folded = " ".join(re.sub(r"[\W_]+", " ", folded).split()) or text
    return {folded[at : at + GRAM] for at in range(max(1, len(folded) - GRAM + 1))}


def _gram_matrix(texts: Sequence[str], vocabulary: dict[str, int]) -> sparse.csr_array:
    """A row a text, a one for each gram that it has. Adds unknown grams to the vocabulary."""
    indices: list[int] = []
    ends = [0]
    for text in texts:
        indices += sorted(vocabulary.setdefault(gram, len(vocabulary)) for gram in grams(text))
        ends.append(len(indices))
    ones = np.ones(len(indices), dtype=np.int32)
    return sparse.csr_array((ones, indices, ends), shape=(len(texts), len(vocabulary)))


def _nearest_in_block(
    start: int,
    common: sparse.csr_array,
    sizes: NDArray[np.int32],
    trained_sizes: NDArray[np.int32],
) -> Iterator[Nearest]:
    for row, size in enumerate(sizes):
        cells = slice(common.indptr[row], common.indptr[row + 1])
        columns, shared = common.indices[cells], common.data[cells]
        if len(columns) == 0:
            yield Nearest(start + row, 0, 0.0)
            continue
        similarity = shared / (size + trained_sizes[columns] - shared)
        best = int(similarity.argmax())
        yield Nearest(start + row, int(columns[best]), float(similarity[best]))


def refuse_leakage(leakage: Leakage, max_near_percent: float) -> None:
    """Raises InputError, with up to three examples, where too much of the split has leaked."""
    if leakage.near_source_percent > max_near_percent:
        examples = " ".join(
            f"{example.held_out!r} is like {example.trained!r};" for example in leakage.examples[:3]
        )
        raise InputError(
            f"{leakage.near_source_percent:.1f} % of the test sentences have a near duplicate in "
            f"train, above prepare.max_near_leakage_percent {max_near_percent:g}: {examples} "
            "split by larger groups, or raise the limit"
        )
