"""Numbers of a text, written alike for all languages.

Digits of every script become ASCII digits. Separators between groups of digits are left out, and a
decimal comma becomes a point: `1,234.5`, `1.234,5`, `1 234,5`, `12,34,567` (India) and `1’234.5`
are written otherwise in other languages and count as kept. One point or comma before exactly three
digits may be a decimal point or separate groups, and is taken for a separator. Other rows of
digits, such as versions, addresses of networks and dates, are taken apart: `2026.2.3` is 2026, 2
and 3.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from tracelate.text.placeholders import without_placeholders

_BLANKS = "\u0020\u00a0\u2009\u202f"
_NUMBER = re.compile(r"\d+(?:[.,'’٬٫]\d+)*")
_SPACED_GROUPS = re.compile(rf"(?<![\d.,])\d{{1,3}}(?:([{_BLANKS}])\d{{3}})(?:\1\d{{3}})*(?!\d)")
_GROUPS = re.compile(r"[1-9]\d{0,2}(?:([,.'’])\d{3})(?:\1\d{3})*|[1-9]\d?(?:,\d{2})+,\d{3}")
_DECIMAL = re.compile(r"(.*\d)[.,](\d+)")


def same_numbers(text: str, other: str) -> bool:
    """True if both have the same numbers, as often, in any order.

    Blanks between groups of digits are tried as separators and as blanks.
    """
    one, two = _plain(text), _plain(other)
    ungrouped = _numbers(one), _numbers(two)
    if ungrouped[0] == ungrouped[1]:
        return True
    readings = {_hashable(ungrouped[0]), _hashable(_numbers(_join_groups(one)))}
    return not readings.isdisjoint(
        {_hashable(ungrouped[1]), _hashable(_numbers(_join_groups(two)))}
    )


def has_numbers(text: str) -> bool:
    """True if the text has a digit outside placeholders."""
    return re.search(r"\d", without_placeholders(text)) is not None


def _plain(text: str) -> str:
    """Returns the text without placeholders and with ASCII digits."""
    return re.sub(
        r"\d", lambda digit: str(unicodedata.decimal(digit[0])), without_placeholders(text)
    )


def _numbers(text: str) -> Counter[str]:
    counted: Counter[str] = Counter()
    for found in _NUMBER.finditer(text):
        counted.update(_values(found[0].replace("٬", ",").replace("٫", ".")))
    return counted


def _values(digits: str) -> list[str]:
    """Returns the value of a row of digits and separators, or its parts if it is no number."""
    if _GROUPS.fullmatch(digits):
        return [re.sub(r"\D", "", digits)]
    if (decimal := _DECIMAL.fullmatch(digits)) is not None:
        whole, fraction = decimal.groups()
        separator = digits[len(whole)]
        if whole.isdecimal() or (_GROUPS.fullmatch(whole) and separator not in whole):
            return [f"{int(re.sub(r'[^0-9]', '', whole))}.{fraction}"]
    return [part.lstrip("0") or "0" for part in re.split(r"\D", digits)]


def _join_groups(text: str) -> str:
    return _SPACED_GROUPS.sub(lambda found: re.sub(rf"[{_BLANKS}]", "", found[0]), text)


def _hashable(counted: Counter[str]) -> frozenset[tuple[str, int]]:
    return frozenset(counted.items())
