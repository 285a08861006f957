"""Case markup: a text in lower case, with the case of each word beside it.

So `HOUSE`, `House` and `house` share their letters (case markup of the OpenNMT Tokenizer, Klein et
al. 2017). A word is a run of letters and marks. One that its lower case and its case do not give
back, such as `iPhone`, `İzmir` or `ẞ`, stays as it is, so that every text comes back exactly.
"""

from __future__ import annotations

from collections.abc import Container
from enum import IntEnum
from typing import Literal, NamedTuple

import regex

CasingName = Literal["cased", "case_markup"]
VERSION = 1
"""Version of the definition, which a model with case markup carries."""


class Case(IntEnum):
    TITLE = 0
    """The first letter is a titlecase letter, and the others are small."""
    UPPER = 1
    """All letters are capitals."""


class CasedPart(NamedTuple):
    """A part of a text."""

    case: Case | None
    """Of its first word, which a blank may be before; None: the text is as it stands."""
    text: str
    place: int
    """Of that word in the whole text."""


_WORD = regex.compile(r"( ?)([\p{L}\p{M}]+)")


def mark_case(text: str, cased: Container[int] = ()) -> list[CasedPart]:
    """Returns the parts of a text, none of them empty: one begins at each word with a case.

    The words at the places `cased` stay as they are.
    """
    if text.islower():
        return [CasedPart(None, text, 0)]
    parts: list[CasedPart] = []
    part, end = CasedPart(None, "", 0), 0
    for found in _WORD.finditer(text):
        lower = found[2].lower()
        case = _case_of(found[2], lower)
        if case is not None and found.start(2) not in cased:
            parts.append(part._replace(text=part.text + text[end : found.start()]))
            part, end = CasedPart(case, found[1] + lower, found.start(2)), found.end()
    parts.append(part._replace(text=part.text + text[end:]))
    return [part for part in parts if part.text]


def restore_case(case: Case, text: str) -> list[str]:
    """Returns the characters of a text whose first word has its case back.

    One of them may become several. A text that begins otherwise stays as it is.
    """
    characters = list(text)
    if found := _WORD.match(text):
        start, stop = found.span(2)
        if case is Case.TITLE:
            characters[start] = characters[start].title()
        else:
            characters[start:stop] = map(str.upper, characters[start:stop])
    return characters


def _case_of(word: str, lower: str) -> Case | None:
    """Returns the case with which the word comes back from its lower case."""
    if lower == word:
        return None
    return next((case for case in Case if "".join(restore_case(case, lower)) == word), None)
