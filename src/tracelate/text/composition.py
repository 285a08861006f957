"""Unicode NFC in linear time, also for texts with thousands of combining marks in a row."""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby

LONG_RUN = re.compile(r"[^\w\s\x00-\u02ff]{33,}")
"""A superset of the long runs of combining marks: no mark is a letter, a digit or white space."""


def compose(text: str) -> str:
    """Returns the text in NFC (Unicode Standard Annex #15).

    `unicodedata.normalize` sorts the marks behind a letter by insertion, whose time grows with the
    square of their number: 100,000 marks take a minute. Long runs are therefore sorted before.
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", LONG_RUN.sub(_sorted_marks, text))


def _sorted_marks(run: re.Match[str]) -> str:
    """Returns the run decomposed, with its marks in canonical order."""
    letters = "".join(unicodedata.normalize("NFD", letter) for letter in run[0])
    parts = groupby(letters, key=lambda letter: unicodedata.combining(letter) > 0)
    return "".join(
        "".join(sorted(part, key=unicodedata.combining) if are_marks else part)
        for are_marks, part in parts
    )
