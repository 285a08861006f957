"""Messages of one language by key, as a catalog has them: the protocol of its formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

Keys = tuple[str, ...]


class Message(NamedTuple):
    """A text of a catalog."""

    keys: Keys
    """Names that lead to it; two languages have the same."""
    text: str
    """The text; "" if it is not translated."""
    place: str
    """Place in the file, for its origin."""
    source: str | None = None
    """Of gettext, the text that is translated, which is a part of the key and usually English; None
    if keys are names."""


class Omitted:
    """Counts of parts of a corpus that are no pairs, by the reason."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._places: dict[str, str] = {}

    def add(self, reason: str, place: str) -> None:
        self._counts[reason] = self._counts.get(reason, 0) + 1
        self._places.setdefault(reason, place)

    def count(self, reason: str) -> int:
        return self._counts.get(reason, 0)

    def place(self, reason: str) -> str:
        """Returns the first place that was added with this reason."""
        return self._places[reason]

    def remarks(self, corpus: str) -> list[str]:
        """Returns a line for each reason, which calls the corpus by its name."""
        return [
            f"{corpus}: {count:,} not read, since {reason} (the first: {self._places[reason]})"
            for reason, count in self._counts.items()
        ]


NO_TEXT = "a value is no text"
FUZZY = "a translation is marked as unfinished"
NOT_TRANSLATED = "a text has no translation"
MARKED = "a text is marked not to be translated"

CatalogReader = Callable[[bytes, str, Omitted], Iterator[Message]]
"""Reads the content of a catalog, which messages call by the second argument, its place.

What is no text is added to the third. Raises InputError if the content is damaged.
"""
