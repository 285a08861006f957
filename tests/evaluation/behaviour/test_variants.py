"""Made sentences differ from their test sentences as named, keep placeholders, and are seeded."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.behaviour_table import VARIANT_CHECKS
from tracelate.evaluation.behaviour.variants import VARIANTS, typos
from tracelate.evaluation.behaviour.words import words
from tracelate.text.placeholders import placeholders


def made(key: str, source: str, seed: int = 1) -> str | None:
    return VARIANTS[key].make(source, random.Random(seed))


def test_the_table_and_the_makers_have_the_same_checks() -> None:
    assert list(VARIANTS) == list(VARIANT_CHECKS)


@pytest.mark.parametrize(
    ("key", "source", "expected"),
    [
        ("upper_case", "Open {name} at http://a.org now", "OPEN {name} AT http://a.org NOW"),
        ("upper_case", "打开 3", None),
        ("no_final_mark", "Open it.", "Open it"),
        ("no_final_mark", "打开它。", "打开它"),
        ("no_final_mark", "Open it", None),
        ("no_final_mark", "...", None),
        ("added_placeholder", "Open {name}", None),
        ("typos", "a to {name} 12345 the", None),
        ("short", "", None),
        ("short", "Open {name} in the menu {menu}", None),
        ("added_placeholder", "", None),
    ],
)
def test_forms(key: str, source: str, expected: str | None) -> None:
    assert made(key, source) == expected


def test_short_forms_have_one_or_two_words() -> None:
    forms = {made("short", "Open the window, please.", seed) for seed in range(20)}
    assert forms == {"Open", "Open the"}
    assert {made("short", "打开卧室的灯", seed) for seed in range(20)} == {"打开", "打开卧室"}
    assert made("short", "Open", 1) is None


def test_a_placeholder_is_added_between_words() -> None:
    for seed in range(20):
        form = made("added_placeholder", "Open the window", seed)
        assert form is not None
        assert sum(placeholders(form).values()) >= 1
        assert [word for word in form.split() if word in {"Open", "the", "window"}] == [
            "Open", "the", "window"]  # fmt: skip
    assert placeholders(made("added_placeholder", "打开窗户") or "")


def test_typing_errors_are_in_a_fifth_of_the_words_and_spare_placeholders() -> None:
    source = " ".join(f"window{letter}" for letter in "abcdefghij") + " {window_name} was open."
    form = typos(source, random.Random(3))
    assert form is not None
    pairs = list(zip(source.split(), form.split(), strict=True))
    assert sum(one != other for one, other in pairs) == 2
    assert all(one[0] == other[0] for one, other in pairs)
    assert "{window_name}" in form


@given(st.text(), st.sampled_from(list(VARIANTS)))
def test_any_text_gives_the_same_form_for_the_same_seed(source: str, key: str) -> None:
    form = made(key, source)
    assert form == made(key, source)
    assert form != source
    if form is not None and key in ("typos", "upper_case", "no_final_mark"):
        assert words(form)
