"""The words of many texts as numbers, and those of them that a translation may keep as they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracelate.corpus.grams import BLANK, fold

COGNATE_LETTERS = 4
"""Two words with the same first letters, so many, are taken for cognates (Simard et al. 1992,
"Using cognates to align sentences in bilingual corpora")."""
UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x2E80, 0x9FFF),
    (0xF900, 0xFAFF),
)
"""Code points of scripts without blanks between words, of which each character is a word: Thai and
Lao, Burmese, Khmer, Chinese and Japanese."""
MOST_WORDS = 60
"""Words of a text that count; those after them are left out."""
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)

Hashes = NDArray[np.uint64]
Integers = NDArray[np.int64]


class Words(NamedTuple):
    """Words of texts, one text after the other."""

    hashes: Hashes
    rows: Integers
    """Number of the text that each word belongs to, ascending."""
    anchors: Hashes
    """Hashes of numbers and of the first letters of words, which translations often share."""
    anchor_rows: Integers
    texts: int
    """Number of texts."""


def words_of(texts: pa.StringArray) -> Words:
    """Returns the words of the folded texts: case and punctuation do not count."""
    points = fold(texts, digits_differ=True)
    codes, rows = points.codes, points.rows
    is_word = codes != BLANK
    is_unspaced = np.zeros(len(codes), bool)
    for first, last in UNSPACED:
        is_unspaced |= (codes >= first) & (codes <= last)
    is_start = np.ones(len(codes), bool)
    is_start[1:] = (codes[:-1] == BLANK) | (rows[1:] != rows[:-1])
    is_start[1:] |= is_unspaced[1:] | is_unspaced[:-1]
    is_start &= is_word
    codes, rows, starts = codes[is_word], rows[is_word], np.flatnonzero(is_start[is_word])
    if not len(starts):
        none = np.zeros(0, np.int64)
        return Words(np.zeros(0, np.uint64), none, np.zeros(0, np.uint64), none, len(texts))
    lengths = np.diff(np.append(starts, len(codes)))
    places = np.arange(len(codes)) - np.repeat(starts, lengths)
    powers = np.cumprod(np.full(int(lengths.max()), _MULTIPLIER))
    values = (codes.astype(np.uint64) + np.uint64(1)) * powers[places]
    has_digit = np.add.reduceat((codes >= ord("0")) & (codes <= ord("9")), starts, dtype=int) > 0
    whole = np.add.reduceat(values, starts)
    begin = np.add.reduceat(np.where(places < COGNATE_LETTERS, values, np.uint64(0)), starts)
    words = rows[starts]
    begins = np.searchsorted(words, np.arange(len(texts)))
    counts = np.arange(len(words)) - begins[words] < MOST_WORDS
    is_anchor = counts & (has_digit | (lengths >= COGNATE_LETTERS))
    anchors = np.where(has_digit, whole, begin)[is_anchor]
    return Words(
        _mixed(whole[counts]), words[counts], _mixed(anchors), words[is_anchor], len(texts)
    )


def _mixed(values: Hashes) -> Hashes:
    """Returns bits that all depend on all bits of the given ones (the end of splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
