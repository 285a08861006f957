"""TMX, the exchange format of translation memories (LISA, version 1.4b)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from tracelate.corpus.pairs import Pair
from tracelate.corpus.sources.formats.messages import Omitted
from tracelate.corpus.sources.formats.wanted import Wanted
from tracelate.corpus.sources.formats.xml_events import child, read_elements, text_of
from tracelate.errors import InputError

LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
ANOTHER = "a unit has no text in one of both languages"
MAX_LANGUAGES = 100
"""Number of languages that a message about missing ones knows of."""


def read_tmx(
    chunks: Iterable[bytes], place: str, wanted: Wanted, omitted: Omitted
) -> Iterator[Pair]:
    """Yields a pair for each translation unit with both languages.

    Raises InputError if the content is damaged, or no unit has them.
    """
    languages: Counter[str] = Counter()
    found = False
    for unit in read_elements(chunks, place, ["tu"], "TMX"):
        origin = f"{place}:{unit.sourceline}"
        texts: dict[str, str] = {}
        for variant in unit.iterfind("{*}tuv"):
            language = variant.get(LANGUAGE) or variant.get("lang") or ""
            segment = child(variant, "seg")
            if segment is not None:
                texts.setdefault(language, text_of(segment, place))
        if len(languages) < MAX_LANGUAGES:
            languages.update(list(texts))
        if (sides := wanted.sides(texts)) is None:
            omitted.add(ANOTHER, origin)
            continue
        found = True
        yield Pair(*sides, group=sides[0], origin=origin)
    if not found:
        known = ", ".join(repr(code[:20]) for code, _ in languages.most_common(20)) or "none"
        raise InputError(
            f"{place} has no unit with texts in {wanted.source!r} and {wanted.target!r}; its "
            f"languages are {known}: change download.source_language or target_language"
        )
