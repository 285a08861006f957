"""Attention weights between words, computed from those between subword pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.corpus.tokenizer_pair import TokenizerPair
from tracelate.inference.translator import Translation
from tracelate.text.words import count_words

END = "</s>"
READABLE_WORDS = range(4, 26)


class WordAttention(NamedTuple):
    """Attention of one sentence.

    Shapes: W target words, V source words, each including the end token.
    """

    weights_WV: NDArray[np.float64]
    target_words: list[str]
    source_words: list[str]
    views: Mapping[str, NDArray[np.float64]] = MappingProxyType({})
    """Further weights, such as those of each head, by name: `Attended.views` over words."""


def attention_over_words(
    tokenizers: TokenizerPair,
    translation: Translation,
    weights_TS: NDArray[np.floating],
    views: Mapping[str, NDArray[np.floating]] = MappingProxyType({}),
) -> WordAttention:
    """Returns the attention between words from the weights between pieces."""
    source_ids, target_ids = translation.source_ids, translation.target_ids
    target_words, target_spans = _words(tokenizers.target, target_ids, translation.placeholders)
    source_words, source_spans = _words(tokenizers.source, source_ids, translation.placeholders)
    return WordAttention(
        merge_pieces(weights_TS, target_spans, source_spans),
        target_words,
        source_words,
        {name: merge_pieces(view, target_spans, source_spans) for name, view in views.items()},
    )


def choose_for_heat_maps(sources: Sequence[str], count: int) -> list[int]:
    """Returns the indices of `count` sentences of readable length, evenly spread over lengths."""
    lengths = [count_words(source) for source in sources]
    readable = [place for place, length in enumerate(lengths) if length in READABLE_WORDS]
    readable.sort(key=lambda place: lengths[place])
    if count >= len(readable):
        return readable
    return [readable[(2 * number + 1) * len(readable) // (2 * count)] for number in range(count)]


def _words(
    tokenizer: SubwordTokenizer, ids: Sequence[int], placeholders: Sequence[str]
) -> tuple[list[str], list[Span]]:
    words = tokenizer.words(ids, placeholders)
    return (
        [*(word.text for word in words), END],
        [*((word.start, word.stop) for word in words), (len(ids), len(ids) + 1)],
    )


Span = tuple[int, int]
"""Indices of the first piece of a word and of the piece after its last."""


def merge_pieces(
    weights_TS: NDArray[np.floating], target_spans: Sequence[Span], source_spans: Sequence[Span]
) -> NDArray[np.float64]:
    """Returns weights_WV: sums over the pieces of a source word, means over those of a target word.

    Rows that sum to one still sum to one. The source spans must cover every source piece once, in
    order, because the weight of a piece without a span would be lost; the end token has a span of
    its own. The target spans may leave pieces out.

    Raises ValueError if the spans do not fit the matrix.
    """
    target_count, source_count = weights_TS.shape
    end = 0
    for start, stop in source_spans:
        if start != end or stop <= start:
            raise ValueError(
                f"source span {(start, stop)} does not begin at piece {end}: "
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
