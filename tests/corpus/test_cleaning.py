from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.config import ExclusionConfig, NearDuplicateConfig, PrepareConfig
from tracelate.corpus.cleaning import PLAIN, CleaningCounts, clean, normalise_pairs
from tracelate.corpus.pairs import Pair
from tracelate.text.normaliser import Normaliser, StepName

CONFIG = PrepareConfig(
    normalise=["line_breaks", "control", "nfc", "invisible", "white_space"],
    seed=1,
    valid_percent=10.0,
    test_percent=10.0,
    max_characters=40,
    max_length_ratio=3.0,
    always_balanced_characters=20,
    drop_untranslated=True,
    rules=["excluded", "empty", "too_long", "unbalanced", "untranslated", "duplicate"],
    excluded=ExclusionConfig(texts=["withdrawn", "cafe\u0301"], origins=["gone.json"]),
    near_duplicate=NearDuplicateConfig(similarity=0.8, gram=5),
    max_near_leakage_percent=20.0,
)


def pair(source: str, target: str) -> Pair:
    return Pair(source, target, "group", "origin")


@pytest.mark.parametrize(
    ("rule", "dropped"),
    [
        ("empty", pair("   ", "vacío")),
        ("too_long", pair("x" * 41, "y" * 41)),
        ("unbalanced", pair("short", "a translation so long that it tells")),
        ("untranslated", pair("Bluetooth", "Bluetooth ")),
        ("duplicate", pair("a  door", "una puerta")),
        ("excluded", pair(" withdrawn ", "retirado")),
        ("excluded", pair("retirado", "withdrawn")),
        ("excluded", pair("café", "the coffee")),
        ("excluded", pair("gone", "ido")._replace(origin="gone.json:title")),
    ],
)
def test_each_rule_drops_and_counts_its_own(rule: str, dropped: Pair) -> None:
    counts = CleaningCounts()
    kept = list(clean([pair("a door", "una puerta"), dropped], CONFIG, counts))
    assert kept == [pair("a door", "una puerta")]
    assert +counts.dropped == {rule: 1}


def test_texts_that_each_step_changed_are_counted_on_each_side() -> None:
    counts = CleaningCounts()
    pairs = [
        pair("a  door\ufeff", "una puerta"),
        pair("a\u00adcafe\u0301", "un café\u00a0"),
        pair("b", "c"),
    ]
    kept = list(clean(pairs, CONFIG, counts))
    assert [(one.source, one.target) for one in kept] == [
        ("a door", "una puerta"),
        ("acafé", "un café"),
        ("b", "c"),
    ]
    assert counts.changed_sources == {"texts": 2, "invisible": 2, "nfc": 1, "white_space": 1}
    assert counts.changed_targets == {"texts": 1, "white_space": 1}


def test_without_steps_a_text_is_kept_as_it_is() -> None:
    config = CONFIG.model_copy(update={"normalise": []})
    counts = CleaningCounts()
    pairs = [pair(" a  door ", "una\u00a0puerta"), pair(" ", "vacío")]
    assert list(clean(pairs, config, counts)) == pairs[:1]
    assert +counts.dropped == {"empty": 1} and not counts.changed_sources


def test_untranslated_pairs_may_be_kept() -> None:
    config = CONFIG.model_copy(update={"drop_untranslated": False})
    assert len(list(clean([pair("Wi-Fi", "Wi-Fi")], config, CleaningCounts()))) == 1


def test_one_source_may_have_two_translations() -> None:
    pairs = [pair("door", "puerta"), pair("door", "portón")]
    assert list(clean(pairs, CONFIG, CleaningCounts())) == pairs


@pytest.mark.parametrize("characters", [39, 40, 41])
@pytest.mark.parametrize("side", ["source", "target"])
def test_a_pair_of_max_characters_is_kept_and_a_longer_one_dropped(
    characters: int, side: str
) -> None:
    one = pair("a" * 30, "b" * 30)._replace(**{side: "x" * characters})
    counts = CleaningCounts()
    kept = list(clean([one], CONFIG, counts))
    assert kept == ([one] if characters <= 40 else [])
    assert +counts.dropped == ({} if characters <= 40 else {"too_long": 1})


@given(st.lists(st.tuples(st.text(max_size=50), st.text(max_size=50)).map(lambda s: pair(*s))))
def test_every_pair_is_kept_or_counted(pairs: list[Pair]) -> None:
    counts = CleaningCounts()
    kept = list(clean(pairs, CONFIG, counts))
    assert len(kept) + counts.dropped.total() == len(pairs)
    assert set(counts.dropped) <= set(CONFIG.rules)
    assert len({(one.source, one.target) for one in kept}) == len(kept)


def test_only_rules_of_the_list_drop_pairs_and_the_first_of_them_counts() -> None:
    long = pair("x" * 41, "y")
    for rules in (["too_long", "unbalanced"], ["unbalanced"]):
        counts = CleaningCounts()
        config = CONFIG.model_copy(update={"rules": rules})
        assert list(clean([long, long], config, counts)) == []
        assert +counts.dropped == {rules[0]: 2}
    config = CONFIG.model_copy(update={"rules": []})
    assert list(clean([long, long], config, CleaningCounts())) == [long, long]


def test_the_first_of_equal_pairs_is_one_that_no_other_rule_drops() -> None:
    withdrawn = pair("a door", "una puerta")._replace(origin="gone.json:1")
    counts = CleaningCounts()
    kept = list(clean([withdrawn, pair("a door", "una puerta")], CONFIG, counts))
    assert kept == [pair("a door", "una puerta")]
    assert +counts.dropped == {"excluded": 1}


PLAIN_TEXT = st.text(
    st.sampled_from("".join(map(chr, range(0x21, 0x500))) + "‐‒–—―‘’“”†…‧一龥鿿 \u0301\n\u00ad"),
    max_size=12,
)


@given(st.lists(PLAIN_TEXT, max_size=5))
def test_texts_that_are_taken_for_normalised_are(texts: list[str]) -> None:
    steps: list[StepName] = ["line_breaks", "control", "nfc", "invisible", "white_space"]
    normaliser = Normaliser(steps)
    counts = CleaningCounts()
    found = list(normalise_pairs([pair(text, text) for text in texts], normaliser, counts))
    assert [one.source for one in found] == [normaliser(text) for text in texts]
    assert counts.changed_sources["texts"] == sum(normaliser(text) != text for text in texts)


def test_no_plain_character_is_changed_by_a_step() -> None:
    plain = re.compile(f"[{re.sub(r'x{(.*?)}', lambda code: 'u' + code[1].zfill(4), PLAIN)}]")
    letters = [chr(code) for code in range(0x10000) if plain.match(chr(code))]
    assert len(letters) > 20_000
    text = "".join(letters)
    assert Normaliser(["line_breaks", "control", "nfc", "invisible", "white_space"])(text) == text
    assert not any(unicodedata.combining(letter) for letter in letters)
