"""Character n-grams of texts as numbers, for many texts at once.

Case, digits, punctuation and spacing are folded first, so that "Step 1: Press Start" and "step 2,
press start" have the same n-grams. Letters, digits and combining marks remain: the vowel signs and
tone marks of Hindi, Thai or Khmer are marks (Unicode category M), and distinguish words.
"""

from __future__ import annotations

import sys
import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracelate.corpus.code_points import CodePoints, folded_case

BLANK, DIGIT = ord(" "), ord("0")
HASH_BITS = 50
MOST_TEXTS = 2 ** (64 - HASH_BITS)
"""Number of texts whose n-grams are sorted at a time."""
_NO_CHARACTER = np.uint64(0x110000)
"""In place of the characters that a text shorter than an n-gram lacks."""
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class Grams(NamedTuple):
    """The sets of n-grams of texts, one after the other."""

    hashes: NDArray[np.uint64]
    """HASH_BITS bits of each n-gram, ascending within a text. Among 10 million different n-grams,
    two have the same with a probability of 4 %, and then count as one."""
    rows: NDArray[np.int64]
    """Number of the text that each n-gram belongs to, ascending."""
    sizes: NDArray[np.int64]
    """Number of different n-grams of each text."""


def grams_of(texts: pa.StringArray, size: int) -> Grams:
    """Returns the sets of n-grams of `size` characters of the folded texts.

    A shorter text is one n-gram by itself, and so is a text of punctuation alone.
    """
    if len(texts) <= MOST_TEXTS:
        return _grams_of(texts, size)
    starts = range(0, len(texts), MOST_TEXTS)
    parts = [_grams_of(texts.slice(start, MOST_TEXTS), size) for start in starts]
    return Grams(
        np.concatenate([part.hashes for part in parts]),
        np.concatenate([part.rows + start for start, part in zip(starts, parts, strict=True)]),
        np.concatenate([part.sizes for part in parts]),
    )


def _grams_of(texts: pa.StringArray, size: int) -> Grams:
    folded = fold(texts)
    rows = folded.rows
    ends = folded.bounds[1:][rows]
    places = np.arange(len(folded.codes))
    padded = np.concatenate((folded.codes, np.zeros(size, np.uint32))).astype(np.uint64)
    hashes = np.zeros(len(places), np.uint64)
    for offset in range(size):
        letters = padded[offset : offset + len(places)]
        hashes = hashes * _MULTIPLIER + np.where(places + offset < ends, letters, _NO_CHARACTER)
    is_gram = (places + size <= ends) | (places == folded.bounds[:-1][rows])
    return _sets(_mixed(hashes[is_gram]), rows[is_gram], len(texts))


def fold(texts: pa.StringArray, *, digits_differ: bool = False) -> CodePoints:
    """Returns the texts in folded case, with one blank for each run of characters that are no
    letter, digit or mark, and none at the ends; with 0 for each digit, unless digits differ.

    A text without any letter, digit and mark stays as it is.
    """
    points = folded_case(texts)
    kinds = _kinds()[points.codes]
    rows = points.rows
    has_words = points.sums(kinds > 0) > 0
    is_digit = (kinds == 2) & (not digits_differ)
    codes = np.where(is_digit, np.uint32(DIGIT), points.codes)
    is_blank = (kinds == 0) & has_words[rows]
    codes[is_blank] = BLANK
    places = np.arange(len(codes))
    follows_blank = np.concatenate(([True], is_blank[:-1])) | (places == points.bounds[:-1][rows])
    last_word = np.zeros(len(texts), np.int64)
    np.maximum.at(last_word, rows[~is_blank], places[~is_blank])
    kept = ~is_blank | (~follows_blank & (places < last_word[rows]))
    bounds = np.concatenate(([0], np.cumsum(points.sums(kept))))
    return CodePoints(codes[kept], bounds)


def _sets(hashes: NDArray[np.uint64], rows: NDArray[np.int64], texts: int) -> Grams:
    # one sorting of numbers with both is ten times as fast as sorting by two keys
    keys = np.sort((rows.astype(np.uint64) << np.uint64(HASH_BITS)) | hashes)
    is_new = np.ones(len(keys), bool)
    is_new[1:] = keys[1:] != keys[:-1]
    keys = keys[is_new]
    rows = (keys >> np.uint64(HASH_BITS)).astype(np.int64)
    hashes = keys & np.uint64(2**HASH_BITS - 1)
    return Grams(hashes, rows, np.bincount(rows, minlength=texts).astype(np.int64))


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Returns HASH_BITS bits that all depend on all bits of the given ones (splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (values ^ (values >> np.uint64(31))) >> np.uint64(64 - HASH_BITS)


@cache
def _kinds() -> NDArray[np.uint8]:
    """Returns the kind of each character: 2 for a decimal digit, 1 for a letter, mark or another
    number, 0 for all others.
    """
    kinds = np.zeros(sys.maxunicode + 1, np.uint8)
    for code in range(sys.maxunicode + 1):
        category = unicodedata.category(chr(code))
        if category[0] in "LMN":
            kinds[code] = 2 if category == "Nd" else 1
    return kinds
