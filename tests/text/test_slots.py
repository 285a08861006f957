"""Placeholders become numbered slots, and the parts of a text join to it again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.text.placeholders import copied_spans
from tracelate.text.slots import (
    placeholders_in_order,
    same_placeholders,
    shared_placeholders,
    split_slots,
)

PLACEHOLDERS = ("{name}", "%s", "%(n)d", "<b>", "</b>", "&nbsp;", "https://a.org/b?c", "a@b.org")
TEXTS = st.lists(st.one_of(st.sampled_from([*PLACEHOLDERS, " ", "x"]), st.text(max_size=5))).map(
    "".join
)


@given(TEXTS)
def test_the_parts_of_a_text_join_to_it_and_have_every_slot(text: str) -> None:
    placeholders = placeholders_in_order(text)
    parts = split_slots(text, placeholders)
    assert "".join(part if isinstance(part, str) else placeholders[part] for part in parts) == text
    assert "" not in parts
    slots = [part for part in parts if isinstance(part, int)]
    assert len(slots) == len(copied_spans(text))
    assert list(dict.fromkeys(slots)) == list(range(len(placeholders)))


def test_repeated_placeholders_are_the_same_slot_and_others_stay_text() -> None:
    text = "{a}%sfoo {b}bar{a} {c}"
    assert placeholders_in_order(text) == ("{a}", "{b}", "{c}")
    assert split_slots(text, ("{a}", "{b}")) == [0, "%sfoo ", 1, "bar", 0, " {c}"]
    assert split_slots(text, ()) == [text]
    assert split_slots("", ("{a}",)) == []


@pytest.mark.parametrize(
    ("source", "target", "shared"),
    [
        ("{a} and <b>", "<b> y {a}", ("{a}", "<b>")),
        ("{a} and <b>", "{a} y", ("{a}",)),
        ("{a} and {a}", "{a} y {b}", ()),
        ("none", "{b}", ()),
    ],
)
def test_what_two_sides_share_is_as_often_on_both(
    source: str, target: str, shared: tuple[str, ...]
) -> None:
    assert shared_placeholders(source, target) == shared
    assert same_placeholders(source, target) is (len(shared) == 2)
