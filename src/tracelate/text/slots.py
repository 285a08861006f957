"""Slots: numbered places in a text that stand for its placeholders.

Different placeholders are numbered from 0 in the order of their first occurrences in the source;
all occurrences of a placeholder are the same slot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tracelate.text.placeholders import copied_spans

Parts = list[str | int]
"""A text in parts: texts, and numbers of slots."""


def placeholders_in_order(text: str) -> tuple[str, ...]:
    """Returns the different placeholders that are copied, in the order of first occurrences."""
    return tuple(dict.fromkeys(_copied(text)))


def shared_placeholders(source: str, target: str) -> tuple[str, ...]:
    """Returns those of the source's placeholders that the target has equally often."""
    wanted, found = Counter(_copied(source)), Counter(_copied(target))
    return tuple(one for one, times in wanted.items() if found[one] == times)


def same_placeholders(source: str, target: str) -> bool:
    """True if both have the same placeholders equally often, in any order."""
    return Counter(_copied(source)) == Counter(_copied(target))


def split_slots(text: str, placeholders: Sequence[str]) -> Parts:
    """Returns the parts of a text in which each of the placeholders is a slot.

    Other placeholders stay in the text, and no part is empty.
    """
    if not placeholders:
        return [text] if text else []
    numbers = {placeholder: number for number, placeholder in enumerate(placeholders)}
    parts: Parts = []
    end = 0
    for start, stop in copied_spans(text):
        if (number := numbers.get(text[start:stop])) is not None:
            parts += [text[end:start], number]
            end = stop
    return [part for part in [*parts, text[end:]] if part != ""]


def _copied(text: str) -> list[str]:
    return [text[start:stop] for start, stop in copied_spans(text)]
