from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.corpus.test_cleaning import CONFIG
from tracelate.corpus.pairs import Pair
from tracelate.corpus.splitting import (
    HELD_OUT,
    drop_held_out,
    place_of,
    refuse_empty,
    split,
    split_at,
)
from tracelate.errors import InputError


def pairs_of(groups: range) -> list[Pair]:
    return [Pair(f"s{g} {n}", "t", f"group{g}", "o") for g in groups for n in range(3)]


def groups_of(pairs: list[Pair]) -> set[str]:
    return {pair.group for pair in pairs}


def test_no_group_is_in_two_splits_and_no_pair_is_lost() -> None:
    pairs = pairs_of(range(300))
    splits = split({"all": pairs}, CONFIG)
    parts = [groups_of(splits[name]) for name in ("train", "valid", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 300
    assert sorted(pair for part in splits.values() for pair in part) == sorted(pairs)


def test_the_shares_are_near_the_percentages() -> None:
    # 4,000 groups at 10 %: 400 expected, standard deviation 19; five of them are allowed
    splits = split({"all": pairs_of(range(4000))}, CONFIG)
    for name in ("valid", "test"):
        assert abs(len(groups_of(splits[name])) - 400) < 95


def test_text_for_training_alone_is_never_held_out() -> None:
    mine, alone = pairs_of(range(300)), [Pair("s", "t", "mine", "o")] * 5
    splits = split({"all": mine, "train": alone}, CONFIG)
    assert splits["train"][:5] == alone
    without = split({"all": mine}, CONFIG)
    assert (splits["train"][5:], splits["valid"], splits["test"]) == tuple(without.values())


def test_new_groups_and_another_valid_percent_move_no_test_group() -> None:
    few = split({"all": pairs_of(range(100))}, CONFIG)
    config = CONFIG.model_copy(update={"valid_percent": 40.0})
    many = split({"all": pairs_of(range(500))}, config)
    assert groups_of(few["test"]) == groups_of(many["test"]) & groups_of(pairs_of(range(100)))


def test_another_seed_is_another_split() -> None:
    parts = {"all": pairs_of(range(100))}
    other = split(parts, CONFIG.model_copy(update={"seed": 2}))
    assert split(parts, CONFIG) == split(parts, CONFIG) != other


def test_ready_made_splits_are_kept_and_the_missing_one_comes_from_train() -> None:
    train, test = pairs_of(range(100)), pairs_of(range(100, 110))
    splits = split({"train": train, "test": test}, CONFIG)
    assert splits["test"] == test
    assert splits["valid"]
    assert sorted(splits["train"] + splits["valid"]) == sorted(train)
    whole = {"train": train, "valid": test[:9], "test": test[9:]}
    assert split(whole, CONFIG) == whole


SPLIT = st.lists(st.sampled_from("abcdef").map(lambda source: Pair(source, "t", source, "o")))


@given(SPLIT, SPLIT, SPLIT)
def test_no_held_out_source_is_left_in_training(
    train: list[Pair], valid: list[Pair], test: list[Pair]
) -> None:
    dropped: Counter[str] = Counter()
    kept = drop_held_out({"train": train, "valid": valid, "test": test}, dropped)
    sources = {name: {pair.source for pair in part} for name, part in kept.items()}
    assert not sources["train"] & (sources["valid"] | sources["test"])
    assert not sources["valid"] & sources["test"]
    assert kept["test"] == test
    assert sum(map(len, kept.values())) + dropped[HELD_OUT] == len(train + valid + test)


def test_percentages_that_leave_no_training_text_are_refused() -> None:
    config = CONFIG.model_copy(update={"valid_percent": 60.0, "test_percent": 40.0})
    with pytest.raises(InputError, match=r"prepare\.valid_percent 60 .* lower them"):
        split({"all": pairs_of(range(3))}, config)


def test_a_corpus_without_training_text_is_refused() -> None:
    with pytest.raises(InputError, match="no training text"):
        split({"test": pairs_of(range(3))}, CONFIG)


def test_an_empty_split_is_refused_with_the_reasons() -> None:
    splits = {"train": pairs_of(range(3)), "valid": [], "test": []}
    with pytest.raises(InputError, match=r"split valid and test is empty: of 12 .* too_long 3"):
        refuse_empty(splits, 12, {"too_long": 3, "empty": 0})


@pytest.mark.parametrize(
    ("place", "expected"),
    [(0.0, "test"), (9.99, "test"), (10.0, "valid"), (14.99, "valid"), (15.0, "train")],
)
def test_a_border_belongs_to_the_split_that_begins_there(place: float, expected: str) -> None:
    assert split_at(place, {"test": 10.0, "valid": 5.0}) == expected


def test_a_share_of_nothing_is_empty() -> None:
    assert split_at(0.0, {"test": 0.0, "valid": 5.0}) == "valid"
    assert split_at(0.0, {}) == "train"


def test_places_are_spread_from_0_to_100() -> None:
    places = sorted(place_of(f"group{number}", 1) for number in range(4000))
    assert 0 <= places[0] < 0.5 and 99.5 < places[-1] < 100
    # the mean of 4,000 even places is 50, with a standard deviation of 0.46
    assert sum(places) / len(places) == pytest.approx(50, abs=2)
