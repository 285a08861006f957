"""The same text in other characters, as users and their programs send it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from tracelate.text.normaliser import StepName


class Variant(NamedTuple):
    """One way to spell a text."""

    name: str
    spell: Callable[[str], str]
    """Returns the text in this spelling; the text itself if it has no other."""
    step: StepName
    """The step of a normaliser that undoes it."""


def _with_soft_hyphens(text: str) -> str:
    """Returns the text with a soft hyphen in the middle of each word of letters."""
    return " ".join(
        f"{word[: len(word) // 2]}\u00ad{word[len(word) // 2 :]}"
        if len(word) > 1 and word.isalpha()
        else word
        for word in text.split(" ")
    )


VARIANTS = (
    Variant("decomposed accents", lambda text: unicodedata.normalize("NFD", text), "nfc"),
    Variant("no-break blanks", lambda text: text.replace(" ", "\u00a0"), "white_space"),
    Variant("doubled blanks", lambda text: text.replace(" ", "  "), "white_space"),
    Variant("leading blank", lambda text: f" {text}", "white_space"),
    Variant("trailing blank", lambda text: f"{text} ", "white_space"),
    Variant("CR LF at the end", lambda text: f"{text}\r\n", "white_space"),
    Variant("soft hyphens", _with_soft_hyphens, "invisible"),
    Variant("byte order mark", lambda text: f"\ufeff{text}", "invisible"),
)
