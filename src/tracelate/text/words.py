"""Words of a text by a segmentation that fits its script.

Most scripts separate words by white space. In scripts that do not, a character is a word: a Chinese
or Japanese one, and in Thai, Lao, Khmer, Burmese and Tibetan a grapheme cluster (Unicode Standard
Annex 29). Punctuation belongs to the word beside it, as it does in other scripts.
"""

from __future__ import annotations

import re
from itertools import accumulate

import regex

UNSPACED_SCRIPTS = (
    "Han",
    "Hiragana",
    "Katakana",
    "Bopomofo",
    "Thai",
    "Lao",
    "Khmer",
    "Myanmar",
    "Tibetan",
)
"""Scripts that put no white space between words, by their names in Unicode."""

# the marks of length belong to no script of their own
_LETTERS = "".join(rf"\p{{{script}}}" for script in UNSPACED_SCRIPTS) + "ーｰ"
_UNSPACED = rf"(?![\p{{P}}\p{{S}}\p{{Nd}}])[{_LETTERS}]"
_OPENING = r"[\p{Ps}\p{Pi}]"
_CLOSING = r"(?![\p{Ps}\p{Pi}])[\p{P}\p{S}\p{Cf}]"
_WORD = regex.compile(
    rf"{_OPENING}*(?={_UNSPACED})\X(?:(?={_CLOSING})\X)*|(?:(?!{_OPENING}*{_UNSPACED})\X)+"
)
_ANY_UNSPACED = regex.compile(_UNSPACED)


def split_words(text: str) -> list[str]:
    """Returns the words of the text in order, without the white space between them."""
    words: list[str] = []
    for chunk in text.split():
        words += _WORD.findall(chunk) if _ANY_UNSPACED.search(chunk) else [chunk]
    return words


def count_words(text: str) -> int:
    """Returns the number of words of the text."""
    return len(split_words(text))


def bounds_without_space(text: str) -> set[int]:
    """Returns the places in the text where a word ends and another begins without white space."""
    if not _ANY_UNSPACED.search(text):
        return set()
    return {
        chunk.start() + end
        for chunk in re.finditer(r"\S+", text)
        for end in list(accumulate(map(len, _WORD.findall(chunk[0]))))[:-1]
    }
