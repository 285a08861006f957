"""A corpus that grows and shrinks: no pair may move from test or valid to train."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

from tests.corpus.test_preparing import config
from tests.tiny_corpus import sentence
from tracelate.corpus.mixture import Mixture
from tracelate.corpus.pairs import TIME, Pair, read_pairs, table_of, write_pair_table
from tracelate.corpus.preparing import Prepared, prepare_corpus
from tracelate.corpus.raw import SPLITS
from tracelate.corpus.report import data_report
from tracelate.errors import InputError
from tracelate.text.times import parse_time

RULES = ["empty", "duplicate", "duplicate_normalised", "duplicate_target", "many_targets"]
BORDERS = {"valid_from": "2020-06", "test_from": "2020-09"}
Splits = dict[str, set[Pair]]
STABLE = [{"split_by": "pair"}, {"split_by": "group_hash"}, {"split_by": "time", **BORDERS}]


class Timed(NamedTuple):
    pair: Pair
    time: str


def made(groups: range, size: int = 8) -> list[Timed]:
    """Returns pairs of which every fourth is also in other groups, at other times."""
    draw = random.Random(groups.start)
    shared = [sentence(random.Random(number)) for number in range(20)]
    return [
        Timed(
            Pair(
                *(draw.choice(shared) if place % 4 == 0 else sentence(draw)),
                f"group{group}",
                f"group{group}:{place}",
            ),
            f"2020-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}",
        )
        for group in groups
        for place in range(size)
    ]


def prepare(folder: Path, raw: list[Timed], **changes: Any) -> tuple[Prepared, Splits]:
    times = pa.array([parse_time(one.time) if one.time else None for one in raw], TIME.type)
    table = table_of(one.pair for one in raw).append_column(TIME, [times])
    write_pair_table(folder / "all.parquet", table)
    (folder / "temporary").mkdir(exist_ok=True)
    outputs = {name: folder / f"{name}.parquet" for name in SPLITS}
    found = prepare_corpus(
        {"all": folder / "all.parquet"},
        outputs,
        config(near_leakage="warn", max_near_leakage_percent=100, **changes),
        ("en", "es"),
        Mixture({}),
        folder / "temporary",
    )
    return found, {name: set(read_pairs(path)) for name, path in outputs.items()}


def moved(before: Splits, after: Splits) -> set[Pair]:
    """Returns the pairs that moved from test or valid to train, or from test to valid."""
    held_out = (before["test"] | before["valid"]) & after["train"]
    return held_out | (before["test"] & after["valid"])


def texts(splits: Splits) -> Splits:
    """Returns the pairs without their groups and origins."""
    return {name: {Pair(*one[:2], "", "") for one in part} for name, part in splits.items()}


def grown() -> list[list[Timed]]:
    """Returns a corpus and those that it grows to: with text at its end, and then also at its
    beginning and in the middle.
    """
    first = made(range(100, 140))
    second = first + made(range(200, 225))
    third = made(range(300, 320)) + second[:240] + made(range(400, 420)) + second[240:]
    return [first, second, third]


@pytest.mark.parametrize("settings", STABLE, ids=lambda one: one["split_by"])
def test_no_text_moves_to_train_when_a_corpus_grows(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    found = [prepare(tmp_path, raw, rules=RULES, **settings)[1] for raw in grown()]
    assert all(len(one["test"]) > 20 and len(one["valid"]) > 8 for one in found)
    for place, after in enumerate(found):
        for before in found[:place]:
            assert not moved(texts(before), texts(after))


@pytest.mark.parametrize("settings", STABLE, ids=lambda one: one["split_by"])
def test_no_pair_moves_to_train_when_others_are_removed(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    raw = made(range(500, 510)) + grown()[-1]
    _, before = prepare(tmp_path, raw, rules=RULES, **settings)
    left = [one for number, one in enumerate(raw) if number % 5]
    _, after = prepare(tmp_path, made(range(600, 610)) + left, rules=RULES, **settings)
    assert not moved(before, after) and before != after


def test_without_borders_newer_text_moves_them_and_this_is_said(tmp_path: Path) -> None:
    first = [one for one in made(range(100)) if one.time < "2020-07"]
    found, before = prepare(tmp_path, first, rules=[], split_by="time")
    _, after = prepare(tmp_path, [*first, *made(range(100, 200))], rules=[], split_by="time")
    assert moved(before, after)
    borders = data_report(found, config(split_by="time"))["times"]
    assert found.warnings == [
        "newer text will move the borders of the splits: set prepare.test_from to "
        f"{borders['test_from']} and prepare.valid_from to {borders['valid_from']} to keep them"
    ]
    set_borders = {"split_by": "time", **borders}
    again, splits = prepare(tmp_path, first, rules=[], **set_borders)
    assert splits == before and again.warnings == []


def test_the_newest_pairs_are_test_text_and_older_ones_valid(tmp_path: Path) -> None:
    raw = made(range(100))
    times = {one.pair: one.time for one in raw}
    _, splits = prepare(tmp_path, raw, rules=[], split_by="time")
    oldest = {name: min(times[pair] for pair in part) for name, part in splits.items()}
    newest = {name: max(times[pair] for pair in part) for name, part in splits.items()}
    assert newest["train"] < oldest["valid"] <= newest["valid"] < oldest["test"]
    # of 800 pairs 10 % each, and those of the same day
    assert 80 <= len(splits["test"]) < 90 and 60 <= len(splits["valid"]) < 90


def test_a_pair_of_two_groups_or_times_counts_as_the_held_out_one(tmp_path: Path) -> None:
    raw = made(range(60))
    old, new = (pair._replace(source="x1", target="y1") for pair in (raw[0].pair, raw[300].pair))
    raw = [Timed(old, "2019"), Timed(new, "2021"), *raw]
    _, splits = prepare(tmp_path, raw, rules=["duplicate"], split_by="time")
    assert new in splits["test"] and old not in set.union(*splits.values())


@pytest.mark.parametrize(
    ("time", "message"),
    [("", r"split_by is time, and group5:0 has none: name the column that has it")],
)
def test_a_pair_without_a_time_is_refused(tmp_path: Path, time: str, message: str) -> None:
    raw = [one._replace(time=time) if one.pair.group == "group5" else one for one in made(range(9))]
    with pytest.raises(InputError, match=message):
        prepare(tmp_path, raw, split_by="time")
    prepare(tmp_path, raw, split_by="pair")


def test_a_corpus_without_times_is_refused(tmp_path: Path) -> None:
    write_pair_table(tmp_path / "all.parquet", table_of(one.pair for one in made(range(3))))
    with pytest.raises(InputError, match="split_by is time, and the corpus has no times"):
        prepare_corpus(
            {"all": tmp_path / "all.parquet"},
            {name: tmp_path / f"{name}.parquet" for name in SPLITS},
            config(split_by="time"),
            ("en", "es"),
            Mixture({}),
            tmp_path,
        )


def test_a_split_that_has_much_more_than_its_share_is_named(tmp_path: Path) -> None:
    raw = [one._replace(time="2020") for one in made(range(30))]
    raw[:40] = [one._replace(time="2021") for one in raw[:40]]
    raw[40:100] = [one._replace(time="2022") for one in raw[40:100]]
    found, _ = prepare(tmp_path, raw, rules=[], split_by="time")
    assert any(
        one.startswith("test has 25.0 % of the pairs in place of 10 %, because many have the same")
        for one in found.warnings
    )
