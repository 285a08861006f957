from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus.test_cleaning import CONFIG
from tracelate.corpus.raw import SPLITS
from tracelate.corpus.splitting import (
    TEST,
    TRAIN,
    VALID,
    Assignment,
    Places,
    assign,
    place_of,
    places_of,
    refuse_empty,
    shares_of,
    split_at,
)
from tracelate.errors import InputError

SHARES = {"test": 10.0, "valid": 5.0}


def places(sizes: dict[str, int], seed: int = 1) -> Places:
    """Returns the places of pairs in groups of these sizes."""
    return np.repeat(places_of(pa.array(list(sizes), pa.string()), seed), list(sizes.values()))


def names_of(sizes: dict[str, int]) -> list[str]:
    return [name for name, size in sizes.items() for _ in range(size)]


def sources_of(sizes: dict[str, int]) -> Places:
    texts = [f"{name} {n}" for name, size in sizes.items() for n in range(size)]
    return places_of(pa.array(texts, pa.string()), 1)


def split(sizes: dict[str, int], by: str = "group", seed: int = 1) -> Assignment:
    return assign(places(sizes, seed), SHARES, by, lambda: sources_of(sizes))


def groups_in(sizes: dict[str, int], found: Assignment, code: int) -> set[str]:
    return {name for name, one in zip(names_of(sizes), found.codes, strict=True) if one == code}


def even(groups: int, size: int = 3) -> dict[str, int]:
    return {f"group{number}": size for number in range(groups)}


def percent(found: Assignment, code: int) -> float:
    return 100 * float(np.mean(found.codes == code))


def test_no_group_is_in_two_splits() -> None:
    found = split(even(300))
    parts = [groups_in(even(300), found, code) for code in (TRAIN, VALID, TEST)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 300
    assert found.warnings == []


def test_the_split_of_a_group_is_that_of_its_place_alone() -> None:
    sizes = even(300)
    found = split(sizes)
    by_place = split_at(np.array([place_of(name, 1) for name in names_of(sizes)]), SHARES)
    assert found.codes.tolist() == by_place.tolist()


def test_the_shares_are_near_the_percentages() -> None:
    # 4,000 groups: 400 and 200 expected, standard deviations 19 and 14; five of them are allowed
    found = split(even(4000))
    assert abs(len(groups_in(even(4000), found, TEST)) - 400) < 95
    assert abs(len(groups_in(even(4000), found, VALID)) - 200) < 70


@settings(max_examples=30)
@given(st.integers(40, 200), st.integers(0, 500), st.integers(0, 50))
def test_new_groups_move_no_pair_from_test_to_train(few: int, more: int, seed: int) -> None:
    small, large = even(few), even(few + more)
    before, after = split(small, seed=seed), split(large, seed=seed)
    if not before.warnings:  # filled up, or split by pair
        assert groups_in(small, before, TEST) <= groups_in(large, after, TEST)
        assert groups_in(small, before, VALID) <= groups_in(large, after, VALID)


def test_a_large_group_that_becomes_a_usual_one_leaves_the_training_text_only() -> None:
    name = next(f"g{n}" for n in range(100) if place_of(f"g{n}", 1) / 2**64 < 0.1)
    before = split({**even(200, 10), name: 300})
    after = split({**even(2000, 10), name: 300})
    assert name in groups_in({**even(200, 10), name: 300}, before, TRAIN)
    assert any("1 groups with more pairs than the 10 % of test" in one for one in before.warnings)
    assert name in groups_in({**even(2000, 10), name: 300}, after, TEST)
    assert after.warnings == []


@pytest.mark.parametrize("name", ["large0", "large1", "large2", "large3", "large4", "large5"])
def test_one_group_of_most_pairs_does_not_fill_a_split(name: str) -> None:
    found = split({**even(30, 10), name: 3000})
    assert 8 < percent(found, TEST) < 12 and 3.5 < percent(found, VALID) < 6.5
    assert "31 groups are too few, or too unequal" in found.warnings[0]


@pytest.mark.parametrize("groups", [1, 2, 5, 12])
def test_few_groups_are_split_by_pair_which_is_said(groups: int) -> None:
    found = split(even(groups, 1200))
    assert 8 < percent(found, TEST) < 12 and 3.5 < percent(found, VALID) < 6.5
    assert "set prepare.split_by to pair to keep this" in found.warnings[0]
    assert found.codes.tolist() == split(even(groups, 1200), by="pair").codes.tolist()
    assert split(even(groups, 1200), by="pair").warnings == []


def test_by_pair_equal_sources_stay_together_and_growth_moves_none() -> None:
    sizes = even(5, 400)
    sources = np.concatenate([sources_of(sizes)] * 2)
    found = assign(places(even(10, 400)), SHARES, "pair", lambda: sources)
    assert found.codes[:2000].tolist() == found.codes[2000:].tolist()
    assert found.codes[:2000].tolist() == split(sizes, by="pair").codes.tolist()


def test_a_split_with_too_little_is_filled_up_by_the_next_groups() -> None:
    # names without one that falls to test
    names = [f"g{n}" for n in range(200) if place_of(f"g{n}", 1) / 2**64 >= 0.1][:100]
    sizes = dict.fromkeys(names, 10)
    found = split(sizes)
    assert percent(found, TEST) == 10
    assert any(one.startswith("test had 0 pairs of the 100 ") for one in found.warnings)
    train = [place_of(name, 1) for name in groups_in(sizes, found, TRAIN)]
    filled = [place_of(name, 1) for name in groups_in(sizes, found, TEST)]
    assert max(filled) < min(train)  # the first ones after those that are held out anyway


def test_many_large_groups_in_a_split_are_named() -> None:
    names = [f"g{n}" for n in range(4000)]
    in_test = [name for name in names if place_of(name, 1) / 2**64 < 0.1][:8]
    rest = [name for name in names if place_of(name, 1) / 2**64 >= 0.1][:300]
    found = split({**dict.fromkeys(in_test, 40), **dict.fromkeys(rest, 3)})
    assert percent(found, TEST) > 20
    assert any("in place of 10 %, because its groups are large" in one for one in found.warnings)


def test_another_seed_is_another_split() -> None:
    sizes = even(100)
    assert split(sizes).codes.tolist() == split(sizes).codes.tolist()
    assert split(sizes).codes.tolist() != split(sizes, seed=2).codes.tolist()


def test_only_missing_splits_have_a_share() -> None:
    assert shares_of(["test", "valid", "train"], CONFIG) == {"test": 10.0, "valid": 10.0}
    assert shares_of(["valid"], CONFIG) == {"valid": 10.0}
    assert assign(places(even(9)), {}, "group", lambda: places(even(9))).codes.tolist() == [0] * 27


def test_percentages_that_leave_no_training_text_are_refused() -> None:
    config = CONFIG.model_copy(update={"valid_percent": 60.0, "test_percent": 40.0})
    with pytest.raises(InputError, match=r"prepare\.valid_percent 60 .* lower them"):
        shares_of(["valid", "test"], config)
    assert shares_of(["valid"], config) == {"valid": 60.0}


def test_an_empty_split_is_refused_with_the_reasons() -> None:
    sizes = {"train": 3, "valid": 0, "test": 0}
    with pytest.raises(InputError, match=r"split valid and test is empty: of 12 .* too_long 3"):
        refuse_empty(sizes, 1, 12, {"too_long": 3, "empty": 0})
    refuse_empty(dict.fromkeys(SPLITS, 1), 1, 3, {})


@pytest.mark.parametrize(
    ("place", "expected"),
    [(0.0, TEST), (9.99, TEST), (10.0, VALID), (14.99, VALID), (15.0, TRAIN)],
)
def test_a_border_belongs_to_the_split_that_begins_there(place: float, expected: int) -> None:
    places = np.array([np.ceil(place / 100 * 2**64)]).astype(np.uint64)
    assert split_at(places, SHARES).tolist() == [expected]


def test_a_share_of_nothing_is_empty() -> None:
    zero = np.zeros(1, np.uint64)
    assert split_at(zero, {"test": 0.0, "valid": 5.0}).tolist() == [VALID]
    assert split_at(zero, {}).tolist() == [TRAIN]


def test_places_are_spread_evenly() -> None:
    found = np.sort(places(even(4000, 1))) / 2**64 * 100
    assert 0 <= found[0] < 0.5 and 99.5 < found[-1] < 100
    # the mean of 4,000 even places is 50, with a standard deviation of 0.46
    assert found.mean() == pytest.approx(50, abs=2)
