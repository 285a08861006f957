"""The settings in which runs or evaluations differ."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

WITHOUT_EFFECT = ("runtime.", "registry.")
"""Beginnings of the names of settings that change no result."""
HASH = re.compile(r"[0-9a-f]{64}")
"""A sha256. The files that settings name by hash are those that differ by path or version too."""
LONGEST_VALUE = 40
"""Largest number of characters of a value in tables."""


def differing_settings(
    rows: Sequence[Mapping[str, str]], left_out: Collection[str] = ()
) -> list[dict[str, str]]:
    """Returns for each row the settings in which the rows differ, by their dotted names.

    Settings in `left_out`, hashes, and settings that change no result are not among them. One that
    a row lacks, because it is older or of another architecture, is left out of that row.
    """
    names = dict.fromkeys(
        name
        for row in rows
        for name, value in row.items()
        if name not in left_out
        and not name.startswith(WITHOUT_EFFECT)
        and not HASH.fullmatch(value)
    )
    differing = [name for name in names if len({row[name] for row in rows if name in row}) > 1]
    return [{name: row[name] for name in differing if name in row} for row in rows]


def difference_of_two(
    first: Mapping[str, str] | None, second: Mapping[str, str] | None, names: tuple[str, str]
) -> dict[str, dict[str, str | None]] | None:
    """Returns the settings in which two differ as JSON values, each value under one of `names`.

    None: the settings of one of them are not known.
    """
    if first is None or second is None:
        return None
    of_both = differing_settings([first, second])
    return {
        setting: {name: one.get(setting) for name, one in zip(names, of_both, strict=True)}
        for setting in of_both[0]
    }


def shown_settings(settings: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Returns the settings of each row by their short names, with long values shortened."""
    names = list(dict.fromkeys(name for row in settings for name in row))
    short = dict(zip(names, short_names(names), strict=True))
    return [{short[name]: _shorten(value) for name, value in row.items()} for row in settings]


def short_names(names: Sequence[str]) -> Iterator[str]:
    """Yields the last part of each dotted name, or the whole where two end alike."""
    ends = [name.rpartition(".")[2] for name in names]
    for name, end in zip(names, ends, strict=True):
        yield end if ends.count(end) == 1 else name


def _shorten(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else f"{value[: LONGEST_VALUE - 1]}…"
