"""Pieces and phrases that are repeated, which attention models do where they lose their place."""

from __future__ import annotations

import re

from tracelate.evaluation.behaviour.words import words

TIMES = 3
MAX_PHRASE_WORDS = 20
_IN_A_WORD = re.compile(r"(?=([^\d]{2,30}?)\1\1)")


def repeats(text: str) -> bool:
    """True if a phrase of 1 to 20 words occurs three times in a row, punctuation aside, or a piece
    of
    at least two letters within a word.

    In scripts without blanks, the second rule finds phrases of 2 to 30 characters; one character
    three times, as in laughter, is no repetition. Digits are none in a word: 101010.
    """
    spoken = words(text)
    for length in range(1, min(len(spoken) // TIMES, MAX_PHRASE_WORDS) + 1):
        matched = 0
        for place in range(len(spoken) - length):
            matched = matched + 1 if spoken[place] == spoken[place + length] else 0
            if matched == length * (TIMES - 1):
                return True
    return any(_IN_A_WORD.search(word) for word in spoken)
