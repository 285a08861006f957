"""The steps of a normaliser, alone and in all orders."""

from __future__ import annotations

import re
import time
import unicodedata
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.text.composition import compose
from tracelate.text.invisible import CANDIDATE
from tracelate.text.normaliser import STEP_NAMES, STEPS_BEFORE, Normaliser, StepName

USUAL = ("line_breaks", "control", "nfc", "invisible", "white_space")
AWKWARD = (
    "ab é\u0301\u0315\u0328\u0344\u0f73\u0958\u212b\ud55c\u1100\u1161"  # composed and decomposed
    " \t\n\r\v\f\x1c\x1f\x85\u00a0\u1680\u2009\u2028\u2029\u202f\u3000"
    "\x00\x07\x1b\x7f\x9f"
    "\u00ad\u034f\u061c\u180b\u180e\u200b\u200c\u200d\u200e\u202a\u2060\u2066\ufe00\ufe0e\ufe0f\ufeff"
    "\U000e0001\U000e0067\U000e007f\U000e0100"
    "\u0645\u06cc\u0915\u094d\u1820\u4e00\u2203❤👍🏽🏴1\u20e3"
    "Ã©â€™\u0152\u201a\xa0\x92\xed\xc0"  # what UTF-8 becomes in another encoding
    "\ud800\udc00\udfff"  # surrogates, which are no text
)
TEXTS = st.text() | st.text(st.sampled_from(AWKWARD)) | st.text(st.characters(codec=None))
STEPS = st.lists(st.sampled_from(STEP_NAMES), unique=True)


def normalise_as_before(text: str) -> str:
    """The stage prepare's own function, before its steps were a setting."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"[^\S\n]+", " ", text)
    return re.sub(r" ?\n ?", "\n", text).strip()


@given(STEPS, TEXTS)
def test_normalising_twice_changes_nothing_more(steps: list[str], text: str) -> None:
    normalise = Normaliser(steps)
    assert normalise(normalise(text)) == normalise(text)


@given(TEXTS)
def test_the_steps_of_older_models_are_what_prepare_did(text: str) -> None:
    assert Normaliser(STEPS_BEFORE)(text) == normalise_as_before(text)


@given(STEPS, TEXTS)
def test_the_steps_that_changed_a_text_are_named(steps: list[str], text: str) -> None:
    found = Normaliser(steps).trace(text)
    assert found.changed_by <= set(steps)
    assert (found.text == text) <= (not found.changed_by)
    if not found.changed_by:
        assert found.text == text
    for name in steps:
        assert Normaliser([name])(found.text) == found.text


@given(TEXTS)
def test_words_stay(text: str) -> None:
    visible = CANDIDATE.sub("", text)
    assert Normaliser(["nfc", "white_space"])(text).split() == (
        unicodedata.normalize("NFC", text).split()
    )
    assert len(Normaliser(["control", "invisible"])(text)) >= len(
        [letter for letter in visible if unicodedata.category(letter) != "Cc"]
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  a \t\u00a0\u2009\u3000 b ", "a b"),
        ("a \r\n  b\rc", "a\nb\nc"),
        ("a\n\nb", "a\n\nb"),
        ("a\u2028b\u2029c\x85d\ve\ff", "a b c d e f"),
        ("cafe\u0301", "café"),
        ("cafe\u00ad\u0301", "café"),
        (" \n\u00a0\ufeff ", ""),
        ("\ufeffThe door", "The door"),
        ("con\u00adnect zero\u200bwidth wo\u2060rd", "connect zerowidth word"),
        ("\u200eleft\u200f \u202aem\u202c \u2066is\u2069", "left em is"),
        ("a\u200cb f\u200di", "ab fi"),
        ("a\ufe0f b\ufe00 \U000e0100", "a b"),
        ("bell\x07 nul\x00 \x9bcsi", "bell nul csi"),
        ("lone\ud800", "lone\ud800"),
    ],
)
def test_the_usual_steps(text: str, expected: str) -> None:
    assert Normaliser(USUAL)(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "می‌خواهم",  # Persian: a non-joiner within a word
        "ه‍",  # Arabic: a joiner after an abbreviation
        "क्‍ष",  # Hindi: a half form
        "ර්‍ය",  # Sinhala: a conjunct
        "র‌্য",  # Bengali
        "ᠮᠣᠩ᠋ ᠠ᠎ᠠ",  # Mongolian: a variant and a vowel separator
        "👩‍❤️‍👨 🧑‍🤝‍🧑 🏳️‍🌈 👍🏽",  # joined emoji
        "☎︎ ☎️ 1️⃣ #️⃣",  # as text, as emoji, keycaps
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",  # the flag of England
        "葛󠄀",  # a variant of an ideograph
    ],
)
def test_joiners_and_selectors_stay_where_they_work(text: str) -> None:
    assert Normaliser(USUAL)(text) == unicodedata.normalize("NFC", text)


def test_mojibake_is_repaired_where_its_step_is_named() -> None:
    assert Normaliser(["mojibake", *USUAL])("The cafÃ©â€™s door") == "The café’s door"
    assert Normaliser(USUAL)("The cafÃ©") == "The cafÃ©"


def test_an_unknown_step_is_named() -> None:
    with pytest.raises(ValueError, match=r"the step 'fold' is unknown: known are mojibake, "):
        Normaliser(["nfc", "fold"])
    assert get_args(StepName) == STEP_NAMES


@given(
    st.text(
        st.sampled_from("aé\u0301\u0315\u0328\u0344\u0f73\u0345\u1100\u1161\u0958"), max_size=99
    )
)
def test_marks_are_composed_as_by_python(text: str) -> None:
    assert compose(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    "text",
    [
        "a" + "\u0315\u0300" * 100_000,
        "\u200d" * 200_000,
        "👍\ufe0f\u200d" * 70_000,
        " \u00a0" * 100_000 + "x",
        "\u0f73\u0315" * 100_000,
        "🏴\U000e0067" * 100_000,
        "Ã©" * 100_000,
        "\r\n \u2028" * 50_000,
    ],
    ids=range(8),
)
def test_the_time_is_linear_in_the_length(text: str) -> None:
    normalise = Normaliser(STEP_NAMES)
    normalise("\u200d")  # makes its pattern
    began_s = time.process_time()
    normalise(text)
    assert time.process_time() - began_s < 10
