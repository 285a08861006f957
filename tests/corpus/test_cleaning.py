from __future__ import annotations

import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.config import PrepareConfig
from tracelate.corpus.cleaning import RULES, clean, is_unbalanced, normalise
from tracelate.corpus.pairs import Pair

CONFIG = PrepareConfig(
    seed=1,
    valid_percent=10.0,
    test_percent=10.0,
    max_characters=40,
    max_length_ratio=3.0,
    drop_untranslated=True,
    max_near_leakage_percent=20.0,
)


def pair(source: str, target: str) -> Pair:
    return Pair(source, target, "group", "origin")


@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text())
def test_normalising_keeps_the_words(text: str) -> None:
    assert normalise(text).split() == unicodedata.normalize("NFC", text).split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  a \t\u00a0 b ", "a b"),
        ("a \r\n  b\rc", "a\nb\nc"),
        ("a\n\nb", "a\n\nb"),
        ("cafe\u0301", "café"),
        (" \n ", ""),
    ],
)
def test_blanks_collapse_and_line_breaks_stay(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("rule", "dropped"),
    [
        ("empty", pair("   ", "vacío")),
        ("too_long", pair("x" * 41, "y" * 41)),
        ("unbalanced", pair("short", "a translation so long that it tells")),
        ("untranslated", pair("Bluetooth", "Bluetooth ")),
        ("duplicate", pair("a  door", "una puerta")),
    ],
)
def test_each_rule_drops_and_counts_its_own(rule: str, dropped: Pair) -> None:
    counts: Counter[str] = Counter()
    kept = list(clean([pair("a door", "una puerta"), dropped], CONFIG, counts))
    assert kept == [pair("a door", "una puerta")]
    assert counts == {rule: 1}


def test_untranslated_pairs_may_be_kept() -> None:
    config = CONFIG.model_copy(update={"drop_untranslated": False})
    assert len(list(clean([pair("Wi-Fi", "Wi-Fi")], config, Counter()))) == 1


def test_one_source_may_have_two_translations() -> None:
    pairs = [pair("door", "puerta"), pair("door", "portón")]
    assert list(clean(pairs, CONFIG, Counter())) == pairs


def test_short_pairs_are_never_unbalanced() -> None:
    assert not is_unbalanced(pair("OK", "De acuerdo"), 3.0)
    assert is_unbalanced(pair("OK", "De acuerdo, pero no así"), 3.0)


def test_a_chinese_translation_of_usual_length_is_balanced() -> None:
    assert not is_unbalanced(pair("Enter your password once more", "请再次输入密码"), 3.0)


@given(st.lists(st.tuples(st.text(max_size=50), st.text(max_size=50)).map(lambda s: pair(*s))))
def test_every_pair_is_kept_or_counted(pairs: list[Pair]) -> None:
    counts: Counter[str] = Counter()
    kept = list(clean(pairs, CONFIG, counts))
    assert len(kept) + counts.total() == len(pairs)
    assert set(counts) <= set(RULES)
    assert len({(one.source, one.target) for one in kept}) == len(kept)
