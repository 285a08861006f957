"""Placeholders of every kind are found, whole and with their numbers, and other text is not."""

from __future__ import annotations

import time
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.text.placeholders import (
    copied_spans,
    may_have_placeholders,
    placeholders,
    without_placeholders,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hello {name}, {name}!", ["{name}", "{name}"]),
        ("{{x}} and {{ states('a.b') }}", ["{{x}}", "{{ states('a.b') }}"]),
        ("{% if a %}{0:.2f}{}{item[0]}", ["{% if a %}", "{0:.2f}", "{}", "{item[0]}"]),
        ("${cost} is {cost}", ["${cost}", "{cost}"]),
        ("%s of %d, %(n)d, %1$s, %.1f %% %05d", ["%s", "%d", "%(n)d", "%1$s", "%.1f", "%05d"]),
        ("%s_%s", ["%s", "%s"]),
        ("<b>bold</b><br/><a href='x y'>", ["<b>", "</b>", "<br/>", "<a href='x y'>"]),
        ("&nbsp;&#160;&#xA0;", ["&nbsp;", "&#160;", "&#xA0;"]),
        ("See https://a.org/b?c=d#e. Or www.x.de, (http://y.org)", [
            "https://a.org/b?c=d#e", "www.x.de", "http://y.org"]),
        ("请访问https://example.com/页面。", ["https://example.com/"]),
        ("[here]({url}) `{host}:{port}`", ["{url}", "{host}", "{port}"]),
        ("Write to a.b+c@mail.example.org.", ["a.b+c@mail.example.org"]),
        ("100% sure, 50%de, 5 % d'or, 3 < 4 > 2, R&D; A & B, {not one}, a@b", []),
        ("", []),
    ],
)  # fmt: skip
def test_placeholders_are_found_whole(text: str, found: list[str]) -> None:
    assert placeholders(text) == Counter(found)


def test_an_icu_message_counts_its_argument_and_the_different_placeholders_of_its_branches() -> (
    None
):
    english = "{count, plural, one {# day of {total}} other {# days of {total}}} for {name}"
    polish = (
        "{count, plural, one {# dzień z {total}} few {# dni z {total}} many {# dni z {total}} "
        "other {# dnia z {total}}} dla {name}"
    )
    assert placeholders(english) == Counter(["{count, plural}", "{total}", "{name}"])
    assert placeholders(polish) == placeholders(english)
    assert placeholders(polish.replace("{total}", "{summe}")) != placeholders(english)
    assert placeholders("{n, number, percent} {x, select, a {Ja} other {Nein}}") == Counter(
        ["{n, number}", "{x, select}"]
    )


def test_an_unclosed_icu_message_ends_with_the_text() -> None:
    assert placeholders("{count, plural, one {# day") == Counter(["{count, plural}"])


def test_the_rest_of_the_text_stays() -> None:
    assert without_placeholders("3 {item_7} at http://10.0.0.1/ and %d").split() == [
        "3", "at", "and"]  # fmt: skip


def test_what_is_copied_leaves_out_the_branches_of_icu_messages() -> None:
    text = "{a} {n, plural, one {# day of {total}} other {# days of {total}}} <b>{n, number}</b>"
    copied = [text[start:stop] for start, stop in copied_spans(text)]
    assert copied == ["{a}", "<b>", "{n, number}", "</b>"]


@pytest.mark.parametrize(
    "text",
    [
        "x" * 200_000,
        "a." * 100_000,
        "a@" * 100_000,
        "%" + "0" * 200_000,
        "%(" * 100_000,
        "{" * 200_000,
        "{a, plural, " * 20_000,
        "{a, number" * 20_000,
        '<a x="' * 50_000,
        "<a" + " b" * 100_000,
        "www." * 50_000,
        "&" * 200_000,
    ],
    ids=lambda text: text[:8],
)
def test_finding_placeholders_takes_time_that_is_linear_in_the_text(text: str) -> None:
    started = time.process_time()
    copied_spans(text)
    assert time.process_time() - started < 5


SIGNS = "{ } % s d <b > & amp; http s:// ftp:// www . a @ b.org ,plural,"
PARTS = st.sampled_from(SIGNS.split())


@given(st.lists(st.one_of(PARTS, st.text(max_size=3)), max_size=8).map("".join))
def test_a_text_with_a_placeholder_may_have_one(text: str) -> None:
    [may_have] = may_have_placeholders(pa.array([text]))
    assert may_have or not copied_spans(text)


def test_plain_text_has_no_placeholder() -> None:
    texts = pa.array(["Plain text, with (signs): it's 5 http", "", "Más información."])
    assert may_have_placeholders(texts).tolist() == [False] * 3
