"""Attention between words, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.evaluation.alignment import Span, merge_pieces
from tracelate.evaluation.translate import Translation

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
