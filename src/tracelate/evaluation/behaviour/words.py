"""Words of a text in any script, for checks that compare words.

A script without blanks between words has runs of characters in place of words: `pieces` cuts them
into pairs of characters, so that parts of them can be compared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u0f00-\u0fff"  # Tibetan
    "\u1000-\u109f"  # Burmese
    "\u1780-\u17ff"  # Khmer
    "\u3040-\u30ff"  # Japanese syllables
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
"""Characters of scripts without blanks between words, for a class of a regular expression."""
_UNSPACED_RUN = re.compile(f"[{UNSPACED}]+")


class _Separators(dict[int, int | str]):
    """Table of `str.translate` that replaces punctuation, symbols and controls by blanks."""

    def __missing__(self, code: int) -> int | str:
        character = chr(code)
        apart = unicodedata.category(character)[0] in "PSZC" and character not in "\u200c\u200d"
        self[code] = " " if apart else code
        return self[code]


_SEPARATORS = _Separators()


def words(text: str) -> list[str]:
    """Returns the case-folded words: letters, marks and digits between punctuation and blanks."""
    return text.translate(_SEPARATORS).casefold().split()


def pieces(text: str) -> Iterator[str]:
    """Yields the words, and pairs of neighbouring characters in place of unspaced runs."""
    for word in words(text):
        end = 0
        for run in _UNSPACED_RUN.finditer(word):
            if word[end : run.start()]:
                yield word[end : run.start()]
            characters, end = run[0], run.end()
            if len(characters) == 1:
                yield characters
            yield from (characters[place : place + 2] for place in range(len(characters) - 1))
        if word[end:]:
            yield word[end:]


def is_unspaced(text: str) -> bool:
    """True if the text has a character of a script without blanks between words."""
    return _UNSPACED_RUN.search(text) is not None
