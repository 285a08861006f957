"""Case markup gives every text back, and words of other case the same letters."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.text.casing import Case, CasedPart, mark_case, restore_case

HARD = [
    "House", "HOUSE", "iPhone", "McDonald", "A", "I AM", "İstanbul", "İ", "ı", "I", "ß",
    "ẞ", "Straße", "STRASSE", "GROẞ", "ǆ", "ǅ", "Ǆ", "Ǆungla", "ǅungla", "ǅUNGLA", "ΟΔΟΣ",
    "Οδός", "ΣΑΣ", "Σ", "ς", "ΑΣ Σ", "ﬁ", "Fi", "ŉ", "ᾳ", "ᾼ", "ΑΙ", "Ⴀ", "ა", "Ა", "Ꭰ",
    "ꭰ", "Ⱥ", "\u212a", "Å", "Ω", "ſ", "DON'T", "e\u0301É\u0301", "\u0301A", "İi̇", "É",
    "E\u0301A", "Ⅷ", "Ⓐⓐ", "𐐀𐐨", "  Two  Blanks ", "\nA\tB", "A-B c_D 3Kg", "你好 World",
]  # fmt: skip
LETTERS = st.characters(categories=["Lu", "Ll", "Lt", "Lm", "Mn"])
TEXTS = st.lists(
    st.one_of(st.sampled_from(HARD), st.text(LETTERS, max_size=6), st.sampled_from([" ", "-", "'"]))
).map("".join)


def restored(parts: list[CasedPart]) -> str:
    return "".join(
        part.text if part.case is None else "".join(restore_case(part.case, part.text))
        for part in parts
    )


@given(st.one_of(TEXTS, st.text(st.characters(codec="utf-8"))))
def test_every_text_comes_back(text: str) -> None:
    parts = mark_case(text)
    assert restored(parts) == text
    assert all(part.text for part in parts)


@pytest.mark.parametrize("text", HARD)
def test_hard_texts_come_back(text: str) -> None:
    for one in (text, f" {text}", f"{text} {text}", f"x-{text}!", text * 2):
        assert restored(mark_case(one)) == one


def test_every_character_comes_back_alone_and_within_words() -> None:
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if character.lower() != character or character.upper() != character:
            for text in (character, f" {character}a", f"A{character}", f"a{character}A"):
                assert restored(mark_case(text)) == text


def test_words_of_other_case_have_the_same_letters() -> None:
    assert mark_case("house House HOUSE, (House)") == [
        CasedPart(None, "house", 0),
        CasedPart(Case.TITLE, " house", 6),
        CasedPart(Case.UPPER, " house, (", 12),
        CasedPart(Case.TITLE, "house)", 20),
    ]
    assert mark_case("A house House", {8}) == [CasedPart(Case.TITLE, "a house House", 0)]
    assert mark_case("Ǆungla ΟΔΟΣ I") == [
        CasedPart(None, "Ǆungla", 0),  # its first letter is no titlecase one
        CasedPart(Case.UPPER, " οδος", 7),
        CasedPart(Case.TITLE, " i", 12),
    ]


def test_what_cannot_come_back_from_lower_case_stays() -> None:
    for word in ("iPhone", "İzmir", "GROẞ", "ǅUNGLA", "\u212a"):
        assert mark_case(word) == [CasedPart(None, word, 0)]
    assert mark_case("") == []


@given(st.sampled_from(Case), st.text())
def test_a_case_changes_the_first_word_alone(case: Case, text: str) -> None:
    characters = restore_case(case, text)
    assert len(characters) == len(text)
    assert "".join(restore_case(case, f"? {text}")) == f"? {text}"
