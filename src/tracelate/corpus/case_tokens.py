"""Tokens for the case of the word that follows them, in the ids of texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from tracelate.text.casing import Case, CasedPart, mark_case, restore_case

CASE_TOKENS = ("<titlecase>", "<uppercase>")
"""Names of the tokens, in the order of `Case`. The pre-tokenizer parts them, so that no merge can
spell them."""

EncodeTexts = Callable[[Sequence[str]], list[list[int]]]


class Segment(NamedTuple):
    """Pieces of one text, whose first word may have a case."""

    start: int
    """Place of its case token, or of its first piece."""
    first: int
    """Place of its first piece."""
    stop: int
    case: Case | None


def cased_parts(text: str, symbol: re.Pattern[str] | None) -> list[CasedPart]:
    """Returns the parts of a text without a symbol, see `mark_case`.

    A word stays as it is if lower case would make a symbol of it and what follows.
    """
    cased: set[int] = set()
    while True:
        parts = mark_case(text, cased)
        if symbol is None:
            return parts
        made = {part.place for part in parts if part.case is not None and symbol.search(part.text)}
        if not made:
            return parts
        cased |= made


def encode_with_case(
    texts: Sequence[str],
    symbol: re.Pattern[str] | None,
    tokens: Sequence[int],
    encode: EncodeTexts,
) -> list[list[int]]:
    """Returns ids in which a word in lower case follows the token of its case.

    The texts have no symbol.
    """
    parts = [cased_parts(text, symbol) for text in texts]
    pieces = iter(encode([part.text for one in parts for part in one]))
    return [
        [
            piece
            for part in one
            for piece in ([] if part.case is None else [tokens[part.case]]) + next(pieces)
        ]
        for one in parts
    ]


def split_segments(
    ids: Sequence[int], start: int, stop: int, tokens: range, apart: frozenset[int]
) -> Iterator[Segment]:
    """Yields the segments of ids[start:stop], which cover it in order.

    A case ends before the next case token, and before a piece that stands apart, which is a segment
    by itself.
    """
    segment = Segment(start, start, stop, None)
    for at in range(start, stop):
        if ids[at] not in tokens and ids[at] not in apart:
            continue
        if segment.start < at:
            yield segment._replace(stop=at)
        if ids[at] in tokens:
            segment = Segment(at, at + 1, stop, Case(ids[at] - tokens.start))
        else:
            yield Segment(at, at, at + 1, None)
            segment = Segment(at + 1, at + 1, stop, None)
    if segment.start < stop:
        yield segment


Run = tuple[int, str]
"""The place of a piece, and the text of the pieces from it to the next run."""


def runs_with_case(segment: Segment, case: Case, runs: Sequence[Run]) -> list[Run]:
    """Returns the runs of a segment with the case back, and its token in the first of them.

    A blank of its own joins the letters after it, so that the token is with its word.
    """
    if not runs:
        return [(segment.start, "")]
    if len(runs) > 1 and runs[0][1] == " ":
        runs = [(runs[0][0], " " + runs[1][1]), *runs[2:]]
    characters = iter(restore_case(case, "".join(text for _, text in runs)))
    texts = ["".join(islice(characters, len(text))) for _, text in runs]
    places = [segment.start, *(at for at, _ in runs[1:])]
    return list(zip(places, texts, strict=True))
