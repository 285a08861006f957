"""The settings in which runs differ, as the table of runs and a comparison show them."""

from __future__ import annotations

from tracelate.comparison.settings import LONGEST_VALUE, differing_settings, shown_settings

A = {"train.seed": "1", "model.layers": "2", "runtime.devices": "1", "train.epochs": "4"}
B = {"train.seed": "2", "model.layers": "2", "runtime.devices": "2", "train.epochs": "8"}


def test_settings_that_differ_and_change_a_result_are_found() -> None:
    found = [{"train.seed": "1", "train.epochs": "4"}, {"train.seed": "2", "train.epochs": "8"}]
    assert differing_settings([A, B]) == found
    assert differing_settings([A, B], ["train.epochs"]) == [
        {"train.seed": "1"}, {"train.seed": "2"},
    ]  # fmt: skip
    assert differing_settings([A, A]) == [{}, {}]


def test_hashes_are_left_out() -> None:
    wheels = [{"download.catalogs.sha256": digit * 64, "train.seed": digit} for digit in "12"]
    assert differing_settings(wheels) == [{"train.seed": "1"}, {"train.seed": "2"}]


def test_a_setting_that_a_row_lacks_does_not_differ_by_that() -> None:
    assert differing_settings([A, {**A, "model.hops": "2"}]) == [{}, {}]
    rows = [{"new": "1"}, {"new": "2"}, {}]
    assert differing_settings(rows) == rows


def test_long_values_are_shortened_and_names_are_short_where_they_differ() -> None:
    long = "x" * (LONGEST_VALUE + 1)
    rows = [{"train.seed": "1", "evaluate.seed": "1", "download.files.test": long}]
    [shown] = shown_settings(rows)
    assert list(shown) == ["train.seed", "evaluate.seed", "test"]
    assert shown["test"] == "x" * (LONGEST_VALUE - 1) + "…"
    assert shown_settings([{"a.b": "x" * LONGEST_VALUE}]) == [{"b": "x" * LONGEST_VALUE}]
