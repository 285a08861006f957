"""Attention between words, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.inference.translator import Translation

END = "</s>"
READABLE_WORDS = range(4, 26)


class WordAttention(NamedTuple):
    """Shapes: W target words, V source words; both end with the end token."""

    weights_WV: NDArray[np.float64]
    target_words: list[str]
    source_words: list[str]
    views: Mapping[str, NDArray[np.float64]] = MappingProxyType({})
    """What else there is to see, as `Attended.views` has it, over words."""


def attention_over_words(
    tokenizer: SubwordTokenizer,
    translation: Translation,
    weights_TS: NDArray[np.floating],
    views: Mapping[str, NDArray[np.floating]] = MappingProxyType({}),
) -> WordAttention:
    """What each target word looked at, over the source's words, from the weights over pieces."""
    target_words, target_spans = _words(tokenizer, translation.target_ids)
    source_words, source_spans = _words(tokenizer, translation.source_ids)
    return WordAttention(
        merge_pieces(weights_TS, target_spans, source_spans),
        target_words,
        source_words,
        {name: merge_pieces(view, target_spans, source_spans) for name, view in views.items()},
    )


def choose_for_heat_maps(sources: Sequence[str], count: int) -> list[int]:
    """Places of `count` sentences of readable length, spread evenly from short to long."""
    lengths = [len(source.split()) for source in sources]
    readable = [place for place, length in enumerate(lengths) if length in READABLE_WORDS]
    readable.sort(key=lambda place: lengths[place])
    if count >= len(readable):
        return readable
    return [readable[(2 * number + 1) * len(readable) // (2 * count)] for number in range(count)]


def _words(tokenizer: SubwordTokenizer, ids: Sequence[int]) -> tuple[list[str], list[Span]]:
    words = tokenizer.words(ids)
    return (
        [*(word.text for word in words), END],
        [*((word.start, word.stop) for word in words), (len(ids), len(ids) + 1)],
    )


Span = tuple[int, int]
"""A word's pieces: the first, and one past the last."""


def merge_pieces(
    weights_TS: NDArray[np.floating], target_spans: Sequence[Span], source_spans: Sequence[Span]
) -> NDArray[np.float64]:
    """weights_WV: a source word gets the sum of its pieces' weights, a target word the mean of
    its pieces' rows. So rows that sum to one still do.

    The source spans must cover every source piece once, in order: weight on a piece that belongs
    to no word, such as the end of the sentence, would be lost unseen. Give it a span of its own.
    The target spans may leave pieces out.

    Raises ValueError on spans that do not fit the matrix.
    """
    target_count, source_count = weights_TS.shape
    end = 0
    for start, stop in source_spans:
        if start != end or stop <= start:
            raise ValueError(
                f"source span {(start, stop)} does not go on from piece {end}: "
                "spans must follow each other without gaps"
            )
        end = stop
    if end != source_count:
        raise ValueError(f"source spans end at piece {end}, the matrix at {source_count}")
    for start, stop in target_spans:
        if not 0 <= start < stop <= target_count:
            raise ValueError(
                f"target span {(start, stop)} is empty or outside the matrix's {target_count} rows"
            )

    weights = weights_TS.astype(np.float64)
    if not source_spans or not target_spans:
        return np.zeros((len(target_spans), len(source_spans)))
    weights_TV = np.add.reduceat(weights, [start for start, _ in source_spans], axis=1)
    return np.stack([weights_TV[start:stop].mean(axis=0) for start, stop in target_spans])
