"""Limits of the rules: a value at the limit, and the next one beyond it."""

from __future__ import annotations

import hashlib
import math
from collections import Counter

import pytest

from tests.corpus.test_cleaning import CONFIG
from tracelate.corpus.cleaning import ALWAYS_BALANCED_CHARACTERS, clean, is_unbalanced
from tracelate.corpus.leakage import measure_leakage, refuse_leakage
from tracelate.corpus.pairs import Pair
from tracelate.corpus.splitting import split
from tracelate.errors import InputError


def pair(source: str, target: str, group: str = "g") -> Pair:
    return Pair(source, target, group, "o")


@pytest.mark.parametrize(("longer", "unbalanced"), [(21, False), (22, True)])
def test_a_side_may_be_as_many_times_longer_as_the_ratio(longer: int, unbalanced: bool) -> None:
    assert is_unbalanced(pair("x" * 7, "y" * longer), max_length_ratio=3.0) is unbalanced
    assert is_unbalanced(pair("x" * longer, "y" * 7), max_length_ratio=3.0) is unbalanced


def test_up_to_20_characters_a_pair_is_always_balanced() -> None:
    assert ALWAYS_BALANCED_CHARACTERS == 20
    assert not is_unbalanced(pair("x", "y" * 20), max_length_ratio=3.0)
    assert is_unbalanced(pair("x", "y" * 21), max_length_ratio=3.0)


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_side_may_have_as_many_characters_as_the_limit(side: str) -> None:
    texts = {"source": "x" * 30, "target": "y" * 30}
    longest = pair(**{**texts, side: "z" * CONFIG.max_characters})
    too_long = pair(**{**texts, side: "z" * (CONFIG.max_characters + 1)})
    dropped: Counter[str] = Counter()
    assert list(clean([longest, too_long], CONFIG, dropped)) == [longest]
    assert dropped == {"too_long": 1}


@pytest.mark.parametrize(
    ("held_out", "near"),
    # 5 grams of which 4 are shared: 0.8; 4 grams of which 3 are shared: 0.75
    [("abcdefghi", 1), ("abcdefg", 0)],
)
def test_a_similarity_of_exactly_the_threshold_is_near(held_out: str, near: int) -> None:
    found = measure_leakage([pair(held_out, "t")], [pair("abcdefgh", "u")])
    assert found.near_source == near


def test_leakage_of_exactly_the_limit_is_accepted() -> None:
    held_out = [pair("The door is open today", "a"), *(pair(f"{n}" * 9, "b") for n in "pqrs")]
    found = measure_leakage(held_out, [pair("The door is open today", "c")])
    assert found.near_source_percent == 20.0
    refuse_leakage(found, 20.0)
    with pytest.raises(InputError, match="above prepare"):
        refuse_leakage(found, math.nextafter(20.0, 0))


def test_a_group_at_the_border_of_a_share_is_outside_of_it() -> None:
    digest = hashlib.sha256(b"1:g").digest()
    place = int.from_bytes(digest[:8]) / 2**64 * 100
    pairs = {"all": [pair("a", "b")]}
    for test_percent, expected in [(place, "train"), (math.nextafter(place, 100), "test")]:
        shares = {"test_percent": test_percent, "valid_percent": 0.0, "seed": 1}
        splits = split(pairs, CONFIG.model_copy(update=shares))
        assert [name for name, members in splits.items() if members] == [expected]
