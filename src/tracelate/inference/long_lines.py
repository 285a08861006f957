"""Splitting of lines that are too long for one search, whose time grows with the square of length.

A long line is split at the ends of its sentences. What is still long, such as a text without
sentences or without blanks, is cut into parts of at most PART_BYTES.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

MAX_LINE_PIECES = 500
"""Longest line that is translated as a whole: 2,000 characters of ordinary text. The time of a
search grows with the square of the length."""
PART_BYTES = 300
"""Largest part of a sentence that is cut, in UTF-8."""
SENTENCE_END = re.compile(
    r"""(?<![.!?…؟।])[.!?…؟।]++["'”’»)\]]*+\s++|(?<![。！？])[。！？]++[”’」』）]*+\s*+"""
)
"""Possessive, and only at the first mark of several, so that the time is linear in the length."""
BLANK = re.compile(r"\s+")
CLAUSE_END = re.compile(r"[,;:،；：，、]\s*")


class Part(NamedTuple):
    """A part of a line."""

    text: str
    """Without white space around it."""
    ends_with_blank: bool
    """True if white space separates it from the next part."""


def split_line(line: str, is_long: Callable[[str], bool]) -> list[Part]:
    """Returns the sentences of a line; those that are long are cut, at a blank if there is one."""
    parts: list[Part] = []
    for sentence in _sentences(line):
        texts = _cut(sentence) if is_long(sentence) else [sentence]
        parts += [
            Part(text.strip(), text[-1:].isspace() or text[:1].isspace())
            for text in texts
            if text.strip()
        ]
    return parts


def join_parts(parts: Sequence[Part], translations: Sequence[str]) -> str:
    """Returns the translations of all parts in one line."""
    return "".join(
        f"{translation} " if part.ends_with_blank else translation
        for part, translation in zip(parts, translations, strict=True)
    ).strip()


def _sentences(line: str) -> Iterator[str]:
    start = 0
    for found in SENTENCE_END.finditer(line):
        yield line[start : found.end()]
        start = found.end()
    yield line[start:]


def _cut(sentence: str) -> Iterator[str]:
    start = 0
    while start < len(sentence):
        # as many whole characters as PART_BYTES hold
        window = sentence[start : start + PART_BYTES].encode()[:PART_BYTES].decode(errors="ignore")
        is_last = start + len(window) == len(sentence)
        end = len(window) if is_last else _place_to_cut(window, sentence[start + len(window)])
        yield window[:end]
        start += end


def _place_to_cut(window: str, following: str) -> int:
    """Returns the end of the last clause or word of `window`, else a place between characters."""
    for pattern in (CLAUSE_END, BLANK):
        ends = [found.end() for found in pattern.finditer(window)]
        if ends and ends[-1] > len(window) // 2:
            return ends[-1]
    end = len(window)
    while end > 1 and unicodedata.category(following).startswith("M"):
        end -= 1
        following = window[end]
    return end if end > 1 else len(window)
