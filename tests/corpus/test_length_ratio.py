"""The typical ratio of a corpus's lengths, and pairs that are far from it."""

from __future__ import annotations

import pytest

from tests.corpus.test_cleaning import CONFIG
from tracelate.config import PrepareConfig
from tracelate.corpus.length_ratio import FEWEST_PAIRS, typical_ratio
from tracelate.corpus.length_ratio import is_unbalanced as unbalanced_batch
from tracelate.corpus.pairs import Pair, table_of

CHINESE = [
    ("Enter your password once more, please", "请再次输入密码"),
    ("The device is not connected to the network", "设备未连接到网络"),
    ("Choose the room in which the lamp is", "选择灯所在的房间"),
]


def pair(source: str, target: str) -> Pair:
    return Pair(source, target, "group", "origin")


def is_unbalanced(one: Pair, config: PrepareConfig, typical: float = 1.0) -> bool:
    [batch] = table_of([one]).to_batches()
    return bool(unbalanced_batch(batch, config, typical)[0])


def ratio_of(pairs: list[tuple[str, str]]) -> float:
    return typical_ratio(table_of([pair(*sides) for sides in pairs]).to_batches(), CONFIG)


def test_the_typical_ratio_is_the_median_of_the_corpus() -> None:
    assert ratio_of([("a" * 40, "b" * 20)] * 120 + [("a" * 40, "b" * 80)] * 99) == 0.5
    assert 0.3 < ratio_of(CHINESE * 50) < 0.5


@pytest.mark.parametrize(("source", "target"), [(30, 40), (40, 30), (30, 37)])
def test_a_typical_ratio_near_one_is_one(source: int, target: int) -> None:
    assert ratio_of([("a" * source, "b" * target)] * 200) == 1.0


def test_few_pairs_have_no_typical_ratio_and_short_or_empty_ones_do_not_count() -> None:
    enough = [("a" * 40, "b" * 20)] * FEWEST_PAIRS
    assert ratio_of(enough) == 0.5
    assert ratio_of(enough[1:] + [("a" * 20, "b")] * 500 + [("a" * 40, "")] * 500) == 1.0


def test_bounds_follow_the_typical_ratio_of_two_scripts() -> None:
    right = pair("Current electricity purchasing fee", "当前购电费")  # widths 34 and 10
    assert is_unbalanced(right, CONFIG)
    assert not is_unbalanced(right, CONFIG, typical=0.63)
    cut = pair("Should be equal to the configuration of the project. Default is `1`", "默认值。")
    assert is_unbalanced(cut, CONFIG, typical=0.63)
    padded = pair("Choose how to connect it", "选择本地或云接口。" * 4)  # widths 24 and 72
    assert not is_unbalanced(padded, CONFIG) and is_unbalanced(padded, CONFIG, typical=0.63)


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


def test_characters_of_double_width_count_twice() -> None:
    assert not is_unbalanced(pair("字" * 10, "b"), CONFIG)  # as wide as 20
    assert is_unbalanced(pair("字" * 11, "b"), CONFIG)
    assert not is_unbalanced(pair("a" * 60, "字" * 10), CONFIG)  # as wide as 60 and 20
    assert is_unbalanced(pair("a" * 61, "字" * 10), CONFIG)


def test_a_chinese_translation_of_usual_length_is_balanced() -> None:
    assert not is_unbalanced(pair("Enter your password once more", "请再次输入密码"), CONFIG)
