"""XLIFF, the exchange format of translations (OASIS, versions 1.2 and 2.x)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from tracelate.corpus.pairs import Pair
from tracelate.corpus.sources.formats.messages import FUZZY, MARKED, NOT_TRANSLATED, Omitted
from tracelate.corpus.sources.formats.wanted import Wanted
from tracelate.corpus.sources.formats.xml_events import (
    child,
    local_name,
    read_elements,
    text_of,
)
from tracelate.errors import InputError

UNFINISHED = {"new", "needs-translation"}
"""States of a target of version 1.2 that has no translation yet."""
GETTEXT_HEADER = "x-gettext-domain-header"
"""Kind of the unit that holds the header of a PO file, which is no text."""
LANGUAGES = (("source-language", "target-language"), ("srcLang", "trgLang"))
"""Attributes of `file` in version 1.2, and of `xliff` in version 2."""


class _Segment(NamedTuple):
    source: Any
    target: Any
    """None if it has no translation."""


def read_xliff(
    chunks: Iterable[bytes], place: str, wanted: Wanted, omitted: Omitted
) -> Iterator[Pair]:
    """Yields a pair for each unit of version 1.2, and for each segment of version 2.

    A file may translate in either direction. Raises InputError if the content is damaged, or its
    languages are others.
    """
    for unit in read_elements(chunks, place, ["trans-unit", "unit"], "XLIFF"):
        origin = f"{place}:{unit.sourceline}"
        if unit.get("translate") == "no" or unit.get("restype") == GETTEXT_HEADER:
            omitted.add(MARKED, origin)
            continue
        languages = _languages(unit, wanted)
        for segment in _segments(unit):
            if segment.target is None or not (target := text_of(segment.target, place)).strip():
                omitted.add(NOT_TRANSLATED, origin)
                continue
            if segment.target.get("state") in UNFINISHED:
                omitted.add(FUZZY, origin)
                continue
            texts = {languages[0]: text_of(segment.source, place), languages[1]: target}
            if (sides := wanted.sides(texts)) is None:
                raise InputError(
                    f"{place}, line {unit.sourceline}, translates {languages[0][:20]!r} to "
                    f"{languages[1][:20]!r}, not {wanted.source!r} to {wanted.target!r}: change "
                    "download.source_language or target_language, or name another file"
                )
            yield Pair(*sides, group=sides[0], origin=origin)


def _languages(unit: Any, wanted: Wanted) -> tuple[str, str]:
    """Returns the codes of both languages; those that are wanted if the file has none."""
    for ancestor in unit.iterancestors("{*}file", "{*}xliff"):
        for source, target in LANGUAGES:
            if ancestor.get(source):
                return ancestor.get(source), ancestor.get(target) or wanted.target
    return wanted.source, wanted.target


def _segments(unit: Any) -> Iterator[_Segment]:
    parts = [unit] if local_name(unit) == "trans-unit" else unit.iterfind("{*}segment")
    for part in parts:
        source = child(part, "source")
        if source is not None:
            yield _Segment(source, child(part, "target"))
