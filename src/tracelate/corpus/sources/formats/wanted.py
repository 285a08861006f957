"""The two languages that are read, and their names in a file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from tracelate.corpus.sources.formats.tables import Columns
from tracelate.text.languages import UnknownLanguageError, normal_form


class Wanted(NamedTuple):
    """The pair of languages that is read of a file."""

    source: str
    target: str
    """Codes of the languages, as the settings have them."""
    columns: Columns
    """Names of the columns of a table."""

    def sides(self, texts: Mapping[str, str]) -> tuple[str, str] | None:
        """Returns the texts of both languages, which have codes in any form, or None."""
        source, target = (closest(language, texts) for language in self[:2])
        if source is None or target is None or source == target:
            return None
        return texts[source], texts[target]


def closest(language: str, codes: Mapping[str, object]) -> str | None:
    """Returns the code of a language: as it is, in another form, or else one of its variants.

    `en` accepts `en-GB`, and not the other way.
    """
    if language in codes:
        return language
    wanted = _normal(language)
    same = [code for code in codes if _normal(code) == wanted]
    variants = [code for code in codes if _normal(code).startswith(f"{wanted}-")]
    return next(iter([*same, *variants]), None)


@lru_cache(maxsize=4096)
def _normal(code: str) -> str:
    try:
        return normal_form(code)
    except UnknownLanguageError:
        return code
