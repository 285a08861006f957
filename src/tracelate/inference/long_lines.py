"""Splitting of lines that are too long for one search, whose time grows with the square of length.

A long line is split at the ends of its sentences. What is still long, such as a text without
sentences or without blanks, is cut into parts of at most PART_BYTES.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
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
SpansOf = Callable[[str], Sequence[tuple[int, int]]]
CLAUSE_END = re.compile(r"[,;:،；：，、]\s*")


class Part(NamedTuple):
    """A part of a line."""

    text: str
    """Without white space around it."""
    ends_with_blank: bool
    """True if white space separates it from the next part."""


def split_line(
    line: str, is_long: Callable[[str], bool], spans_of: SpansOf | None = None
) -> list[Part]:
    """Returns the sentences of a line; those that are long are cut, at a blank if there is one.

    Nothing is cut inside the spans of a text, from place to place, that `spans_of` returns.
    """
    parts: list[Part] = []
    for sentence in _sentences(line, Spans(spans_of(line)) if spans_of else NO_SPANS):
        spans = Spans(spans_of(sentence)) if spans_of else NO_SPANS
        texts = _cut(sentence, spans) if is_long(sentence) else [sentence]
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


class Spans:
    """Places of a text that stay whole."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        self.starts = [start for start, _ in spans]
        self.stops = [stop for _, stop in spans]

    def around(self, place: int) -> tuple[int, int] | None:
        """Returns the span that a cut at `place` would divide."""
        number = bisect_left(self.starts, place) - 1
        if number < 0 or self.stops[number] <= place:
            return None
        return self.starts[number], self.stops[number]


NO_SPANS = Spans([])


def _sentences(line: str, spans: Spans) -> Iterator[str]:
    start = 0
    for found in SENTENCE_END.finditer(line):
        if spans.around(found.end()) is not None:
            continue
        yield line[start : found.end()]
        start = found.end()
    yield line[start:]


def _cut(sentence: str, spans: Spans) -> Iterator[str]:
    start = 0
    while start < len(sentence):
        # as many whole characters as PART_BYTES hold
        window = sentence[start : start + PART_BYTES].encode()[:PART_BYTES].decode(errors="ignore")
        is_last = start + len(window) == len(sentence)
        end = len(window) if is_last else _place_to_cut(window, sentence[start + len(window)])
        if (whole := spans.around(start + end)) is not None:
            end = (whole[0] if whole[0] > start else whole[1]) - start
        yield sentence[start : start + end]
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
