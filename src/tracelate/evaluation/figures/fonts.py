"""Fonts for the characters of a figure, and the package to install where no font has them."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache, lru_cache
from typing import NamedTuple

import regex
from matplotlib import font_manager

FIRST_FAMILY = "DejaVu Sans"
"""Family that comes with matplotlib: Latin, Greek, Cyrillic, Arabic, Hebrew and others."""
PREFERRED = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Arial Unicode MS",
    "Noto Emoji",
    "Symbola",
)
"""Families for other characters, in order of preference, where they are installed."""
CJK = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}]")
EMOJI = regex.compile(r"\p{Extended_Pictographic}")
LAST_RESORT = "Last Resort"
"""Beginning of the name of a family of matplotlib's that has a box for every character."""
NOT_DRAWN = regex.compile(r"[\p{Z}\p{C}\p{Variation_Selector}]")
"""Characters without a glyph of their own."""


class Fonts(NamedTuple):
    """Families that a text is drawn with."""

    families: list[str]
    """In the order in which each character's glyph is looked for."""
    missing: list[str]
    """Characters that no installed font has: they are drawn as boxes."""


def preferred_families() -> list[str]:
    """Returns FIRST_FAMILY and the installed ones of PREFERRED."""
    installed = _installed()
    return [FIRST_FAMILY, *(family for family in PREFERRED if family in installed)]


def fonts_for(text: str) -> Fonts:
    """Returns the preferred families, and others as far as the text needs them."""
    families = preferred_families()
    missing = {ord(letter) for letter in set(text) if not NOT_DRAWN.match(letter)}
    for family in families:
        missing -= _characters(_installed()[family])
    if missing:
        for family, path in sorted(_installed().items()):
            if found := missing & _characters(path):
                families.append(family)
                missing -= found
    return Fonts(families, [chr(code) for code in sorted(missing)])


def advice(missing: Collection[str]) -> str | None:
    """Returns a warning that names the characters and what to install; None if none is missing."""
    if not missing:
        return None
    shown = " ".join(sorted(missing)[:5])
    packages = ", ".join(sorted({_package(letter) for letter in missing}))
    return (
        f"no installed font has {len(missing):,} characters of the pictures, such as {shown}: "
        f"they are drawn as boxes; install a font that has them (on Debian: {packages}) and draw "
        "again with `dvc repro --single-item --force evaluate`"
    )


def _package(letter: str) -> str:
    if CJK.match(letter):
        return "fonts-noto-cjk"
    return "fonts-symbola" if EMOJI.match(letter) else "fonts-noto-core"


def _installed() -> dict[str, str]:
    """Returns the file of each family, in its most regular style.

    matplotlib keeps its list of fonts in a file and does not look for new ones: they are added.
    """
    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in sorted(set(_system_fonts()) - known):
        _add(path)
    regular = sorted(
        font_manager.fontManager.ttflist,
        key=lambda entry: (entry.style != "normal", abs(_weight(entry.weight) - 400), entry.fname),
    )
    return {
        entry.name: entry.fname
        for entry in reversed(regular)
        if not entry.name.startswith(LAST_RESORT)
    }


@lru_cache(maxsize=1)
def _system_fonts() -> tuple[str, ...]:
    return tuple(font_manager.findSystemFonts())


@cache
def _add(path: str) -> None:
    try:
        font_manager.fontManager.addfont(path)
    except Exception:  # a damaged font may raise any class, and is no font
        return


def _weight(weight: object) -> int:
    return weight if isinstance(weight, int) else 400


@lru_cache(maxsize=512)
def _characters(path: str) -> frozenset[int]:
    """Codes of the characters that the font has."""
    try:
        return frozenset(font_manager.get_font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()
