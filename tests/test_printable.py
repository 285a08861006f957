"""Control characters are shown, and other text stays as it is."""

from __future__ import annotations

import pytest

from tracelate.printable import printable, printable_line


@pytest.mark.parametrize(
    "text",
    ["Straße 中文 שלום مرحبا", "👩\u200d👩\u200d👧 e\u0301", "a\tb", r"\x1b", "\u200f", "\u00a0"],
)
def test_ordinary_text_of_any_script_stays_as_it_is(text: str) -> None:
    assert printable(text) == printable_line(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b2J\x7f\x00", r"\x9b2J\x7f\x00"),
        ("a\rb", r"a\rb"),
        ("\u202eabc\u2066", r"\u202eabc\u2066"),
        ("\udc80", r"\udc80"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_a_control_character_is_shown_as_its_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_only_a_line_may_not_have_line_feeds() -> None:
    assert printable("a\nb") == "a\nb"
    assert printable_line("a\nb") == r"a\nb"
