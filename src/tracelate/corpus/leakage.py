"""Leakage: held-out text that is also in the training text, exactly or nearly.

Two sentences are near duplicates if the sets of their character n-grams, A and B, have a Jaccard
similarity |A ∩ B| / |A ∪ B| of at least prepare.near_duplicate.similarity. Case, digits,
punctuation and spacing are folded first, so that "Step 1: Press Start" and "step 2, press start"
are the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tracelate.config import NearDuplicateConfig
from tracelate.corpus.pairs import Pair
from tracelate.errors import InputError

_CELLS = 4_000_000
"""Most similarities that are in RAM at once."""


class Nearest(NamedTuple):
    """The training sentence that is most similar to a held-out one."""

    held_out: int
    """Place of the held-out sentence."""
    trained: int
    """Place of the training sentence."""
    similarity: float


class Example(NamedTuple):
    """A near duplicate."""

    held_out: str
    trained: str
    similarity: float


class Leakage(NamedTuple):
    """Pairs of a held-out split whose text is also in train. Percent is of the held-out pairs."""

    exact_source: int
    exact_target: int
    near_source: int
    exact_source_percent: float
    exact_target_percent: float
    near_source_percent: float
    examples: list[Example]
    """Near duplicates, spread evenly from the most to the least similar."""


def measure_leakage(
    held_out: Sequence[Pair],
    train: Sequence[Pair],
    config: NearDuplicateConfig,
    *,
    example_count: int = 5,
    advance: Callable[[int], object] = lambda count: None,
) -> Leakage:
    """Counts the held-out pairs whose text is also in train.

    `advance` is called with the number of held-out pairs that were compared since its last call.
    """
    trained_sources = {pair.source for pair in train}
    trained_targets = {pair.target for pair in train}
    exact_source = sum(pair.source in trained_sources for pair in held_out)
    exact_target = sum(pair.target in trained_targets for pair in held_out)
    near: list[Nearest] = []
    sources = [pair.source for pair in held_out]
    for block in nearest(sources, [pair.source for pair in train], config.gram):
        near += [one for one in block if one.similarity >= config.similarity]
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


def nearest(held_out: Sequence[str], train: Sequence[str], gram: int) -> Iterator[list[Nearest]]:
    """Yields, in blocks, the training sentence that is most similar to each held-out sentence by
    n-grams of `gram` characters; the first of equals.
    """
    vocabulary: dict[str, int] = {}
    trained_NG = _gram_matrix(train, gram, vocabulary)
    held_out_NG = _gram_matrix(held_out, gram, vocabulary)
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


def grams(text: str, size: int) -> set[str]:
    """Returns the character n-grams of the folded text; a shorter text is one gram by itself."""
    folded = re.sub(r"\d", "0", text.casefold())
    folded = " ".join(re.sub(r"[\W_]+", " ", folded).split()) or text
    return {folded[at : at + size] for at in range(max(1, len(folded) - size + 1))}


def _gram_matrix(texts: Sequence[str], size: int, vocabulary: dict[str, int]) -> sparse.csr_array:
    """Returns a row for each text, with a 1 for each of its n-grams. Adds those that are unknown to
    the vocabulary.
    """
    indices: list[int] = []
    ends = [0]
    for text in texts:
        found = grams(text, size)
        indices += sorted(vocabulary.setdefault(gram, len(vocabulary)) for gram in found)
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
    """Raises InputError, with up to three examples, if too much of the split has leaked."""
    if leakage.near_source_percent > max_near_percent:
        examples = " ".join(
            f"{example.held_out!r} is similar to {example.trained!r};"
            for example in leakage.examples[:3]
        )
        raise InputError(
            f"{leakage.near_source_percent:.1f} % of the test sentences have a near duplicate in "
            f"train, above prepare.max_near_leakage_percent {max_near_percent:g}: {examples} "
            "split by larger groups, or raise the limit"
        )
