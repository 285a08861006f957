"""Fonts of figures: found where they are installed, and named where they are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder  # type: ignore[import-untyped]
from fontTools.pens.ttGlyphPen import TTGlyphPen  # type: ignore[import-untyped]
from matplotlib import font_manager
from matplotlib.figure import Figure

from tracelate.evaluation.figures import fonts
from tracelate.evaluation.figures.fonts import advice, fonts_for
from tracelate.evaluation.figures.style import write_png

HIEROGLYPH = "\U00013000"
"""A letter that no family of PREFERRED has."""


def write_font(path: Path, family: str, letter: str) -> None:
    """Writes a font whose only glyph is a square."""
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for point in ((100, 700), (800, 700), (800, 0)):
        pen.lineTo(point)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "letter"])
    builder.setupCharacterMap({ord(letter): "letter"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "letter": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (900, 0), "letter": (900, 100)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The font files of the system, of which matplotlib's list has none."""
    paths: list[str] = []
    bundled = [one for one in font_manager.fontManager.ttflist if "mpl-data" in one.fname]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", bundled)
    monkeypatch.setattr(fonts, "_system_fonts", lambda: tuple(paths))
    yield paths
    fonts._add.cache_clear()


def test_a_font_that_was_installed_after_matplotlib_listed_them_is_used(
    installed: list[str], tmp_path: Path
) -> None:
    found = fonts_for(f"a{HIEROGLYPH}")
    assert (found.families, found.missing) == (["DejaVu Sans"], [HIEROGLYPH])
    write_font(tmp_path / "new.ttf", "New Family", HIEROGLYPH)
    installed.append(str(tmp_path / "new.ttf"))
    found = fonts_for(f"a{HIEROGLYPH}")
    assert (found.families, found.missing) == (["DejaVu Sans", "New Family"], [])


def test_a_figure_is_drawn_with_that_font(installed: list[str], tmp_path: Path) -> None:
    def drawn(name: str) -> tuple[set[str], bytes]:
        figure = Figure(figsize=(2, 1))
        figure.text(0.5, 0.5, f"a {HIEROGLYPH}")
        return write_png(figure, tmp_path / name), (tmp_path / name).read_bytes()

    missing, boxes = drawn("boxes.png")
    assert missing == {HIEROGLYPH}
    write_font(tmp_path / "new.ttf", "New Family", HIEROGLYPH)
    installed.append(str(tmp_path / "new.ttf"))
    missing, glyphs = drawn("glyphs.png")
    assert missing == set()
    assert glyphs != boxes


def test_a_damaged_font_is_no_font(installed: list[str], tmp_path: Path) -> None:
    (tmp_path / "damaged.ttf").write_bytes(b"\x00\x01\x00\x00" + bytes(40))
    installed.append(str(tmp_path / "damaged.ttf"))
    assert fonts_for(HIEROGLYPH).missing == [HIEROGLYPH]


def test_text_that_the_first_family_has_needs_no_other(installed: list[str]) -> None:
    assert fonts_for("Ünïcode, Ελληνικά, Русский\u200b \n") == (["DejaVu Sans"], [])


@pytest.mark.parametrize(
    ("letter", "package"),
    [
        ("我", "fonts-noto-cjk"),
        ("の", "fonts-noto-cjk"),
        ("한", "fonts-noto-cjk"),
        ("ไ", "fonts-noto-core"),
        ("ह", "fonts-noto-core"),
        ("🎉", "fonts-symbola"),
    ],
)
def test_the_advice_names_the_characters_and_a_package(letter: str, package: str) -> None:
    line = advice({letter})
    assert line is not None
    assert letter in line
    assert package in line
    assert "\n" not in line


def test_there_is_no_advice_where_nothing_is_missing() -> None:
    assert advice(set()) is None
