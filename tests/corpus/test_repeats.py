from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.corpus.test_cleaning import CONFIG, pair
from tracelate.config import RuleName
from tracelate.corpus.cleaning import CleaningCounts, clean
from tracelate.corpus.repeats import folded_keys, is_repeated, joint_keys, text_keys

LINES = [
    ("The door", "La puerta"),
    ("the door!", "la puerta"),  # 1: normalised as 0
    ("The door", "El portón"),  # 2: the source of 0
    ("A gate", "El portón"),  # 3: the target of 2
    ("The door", "Una puerta"),  # 4: the third target of The door
    ("The door", "La puerta"),  # 5: as 0
    ("Step 1", "Paso 1"),
    ("Step 2", "Paso 2"),  # digits differ
]


@pytest.mark.parametrize(
    ("rule", "dropped"),
    [
        ("duplicate", [5]),
        ("duplicate_normalised", [1, 5]),
        ("duplicate_source", [2, 4, 5]),
        ("duplicate_target", [3, 5]),
        ("many_targets", [4, 5]),
    ],
)
def test_each_rule_keeps_the_first_of_its_repeats(rule: RuleName, dropped: list[int]) -> None:
    pairs = [pair(*sides) for sides in LINES]
    config = CONFIG.model_copy(update={"rules": [rule], "max_targets": 2})
    counts = CleaningCounts()
    kept = [one for place, one in enumerate(pairs) if place not in dropped]
    assert list(clean(pairs, config, counts)) == kept
    assert counts.dropped == {rule: len(dropped)}


def test_a_pair_that_one_rule_drops_is_unknown_to_the_next() -> None:
    pairs = [pair("a", "x"), pair("a", "y"), pair("b", "y")]
    config = CONFIG.model_copy(update={"rules": ["duplicate_source", "duplicate_target"]})
    assert list(clean(pairs, config, CleaningCounts())) == [pairs[0], pairs[2]]


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 3))
def test_repeats_are_those_of_counting(keys: list[int], most: int) -> None:
    seen: Counter[int] = Counter()
    expected = []
    for key in keys:
        expected.append(seen[key] >= most)
        seen[key] += 1
    assert is_repeated(np.array(keys, np.uint64), most).tolist() == expected


def test_the_sides_of_a_pair_are_not_exchangeable() -> None:
    a, b = text_keys(pa.array(["a"])), text_keys(pa.array(["b"]))
    assert joint_keys(a, b) != joint_keys(b, a)


def test_folded_texts_have_the_same_key_wherever_they_are() -> None:
    keys = folded_keys(pa.array(["Ä b", "x", "ä  B!", "..."]))
    assert keys[0] == keys[2] and len(set(keys.tolist())) == 3
