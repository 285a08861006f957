from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.config import ExclusionConfig, NearDuplicateConfig, PrepareConfig
from tracelate.corpus.cleaning import RULES, CleaningCounts, clean, is_unbalanced
from tracelate.corpus.pairs import Pair

CONFIG = PrepareConfig(
    normalise=["line_breaks", "control", "nfc", "invisible", "white_space"],
    seed=1,
    valid_percent=10.0,
    test_percent=10.0,
    max_characters=40,
    max_length_ratio=3.0,
    always_balanced_characters=20,
    drop_untranslated=True,
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
    assert counts.dropped == {rule: 1}


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
    assert counts.dropped == {"empty": 1} and not counts.changed_sources


def test_untranslated_pairs_may_be_kept() -> None:
    config = CONFIG.model_copy(update={"drop_untranslated": False})
    assert len(list(clean([pair("Wi-Fi", "Wi-Fi")], config, CleaningCounts()))) == 1


def test_one_source_may_have_two_translations() -> None:
    pairs = [pair("door", "puerta"), pair("door", "portón")]
    assert list(clean(pairs, CONFIG, CleaningCounts())) == pairs


def test_short_pairs_are_never_unbalanced() -> None:
    assert not is_unbalanced(pair("OK", "De acuerdo"), CONFIG)
    assert is_unbalanced(pair("OK", "De acuerdo, pero no así"), CONFIG)


@pytest.mark.parametrize(
    ("longer", "shorter", "unbalanced"),
    [
        (30, 10, False),  # the ratio is 3.0, the highest that is allowed
        (31, 10, True),
        (20, 1, False),  # 20 characters are always balanced
        (21, 1, True),
        (21, 7, False),
        (22, 7, True),
    ],
)
def test_the_limits_of_balance_are_themselves_balanced_on_either_side(
    longer: int, shorter: int, unbalanced: bool
) -> None:
    sides = "a" * longer, "b" * shorter
    assert is_unbalanced(pair(*sides), CONFIG) is unbalanced
    assert is_unbalanced(pair(*reversed(sides)), CONFIG) is unbalanced


def test_the_limit_of_always_balanced_pairs_is_a_setting() -> None:
    config = CONFIG.model_copy(update={"always_balanced_characters": 10})
    assert not is_unbalanced(pair("a" * 10, "b"), config)
    assert is_unbalanced(pair("a" * 11, "b"), config)


@pytest.mark.parametrize("characters", [39, 40, 41])
@pytest.mark.parametrize("side", ["source", "target"])
def test_a_pair_of_max_characters_is_kept_and_a_longer_one_dropped(
    characters: int, side: str
) -> None:
    one = pair("a" * 30, "b" * 30)._replace(**{side: "x" * characters})
    counts = CleaningCounts()
    kept = list(clean([one], CONFIG, counts))
    assert kept == ([one] if characters <= 40 else [])
    assert counts.dropped == ({} if characters <= 40 else {"too_long": 1})


def test_characters_of_double_width_count_twice() -> None:
    assert not is_unbalanced(pair("字" * 10, "b"), CONFIG)  # as wide as 20
    assert is_unbalanced(pair("字" * 11, "b"), CONFIG)
    assert not is_unbalanced(pair("a" * 60, "字" * 10), CONFIG)  # as wide as 60 and 20
    assert is_unbalanced(pair("a" * 61, "字" * 10), CONFIG)


def test_a_chinese_translation_of_usual_length_is_balanced() -> None:
    assert not is_unbalanced(pair("Enter your password once more", "请再次输入密码"), CONFIG)


@given(st.lists(st.tuples(st.text(max_size=50), st.text(max_size=50)).map(lambda s: pair(*s))))
def test_every_pair_is_kept_or_counted(pairs: list[Pair]) -> None:
    counts = CleaningCounts()
    kept = list(clean(pairs, CONFIG, counts))
    assert len(kept) + counts.dropped.total() == len(pairs)
    assert set(counts.dropped) <= set(RULES)
    assert len({(one.source, one.target) for one in kept}) == len(kept)
