"""Where a rollback goes, and what a registered model remembers of its aliases."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.errors import InputError
from tracelate.registry.alias_history import (
    LONGEST_EVENT,
    Event,
    Kind,
    append_event,
    previous_version,
    read_history,
)
from tracelate.tracking.store import Store, connect

ALL = {str(number) for number in range(1, 100)}


def event(kind: Kind, version: str, replaced: str | None, why: str = "") -> Event:
    return Event(
        kind=kind,
        version=version,
        replaced=replaced,
        when="2026-01-02T03:04:05+00:00",
        who="someone@somewhere",
        commit=None,
        why=why,
    )


def promoted(*versions: str) -> list[Event]:
    before = [None, *versions]
    return [
        event("promoted", version, replaced)
        for version, replaced in zip(versions, before, strict=False)
    ]


def test_a_rollback_goes_to_what_was_there_before_and_the_next_one_further() -> None:
    events = promoted("1", "2", "3")
    assert previous_version(events, "3", ALL) == "2"
    events.append(event("rolled back", "2", "3"))
    assert previous_version(events, "2", ALL) == "1"
    events.append(event("rolled back", "1", "2"))
    assert previous_version(events, "1", ALL) is None


def test_after_a_rollback_and_another_promotion_what_was_rolled_back_is_passed_over() -> None:
    events = [*promoted("1", "2"), event("rolled back", "1", "2"), event("promoted", "3", "1")]
    assert previous_version(events, "3", ALL) == "1"


def test_a_version_that_was_deleted_is_passed_over() -> None:
    assert previous_version(promoted("1", "2", "3"), "3", ALL - {"2"}) == "1"
    assert previous_version(promoted("1", "2"), "2", {"2"}) is None


def test_an_alias_moved_by_hand_goes_back_to_what_was_promoted_last() -> None:
    assert previous_version(promoted("1", "2"), "7", ALL) == "2"
    # and what a promotion found there is what it goes back to
    events = [*promoted("1", "2"), event("promoted", "3", "7")]
    assert previous_version(events, "3", ALL) == "7"


def test_without_a_past_there_is_nowhere_to_go() -> None:
    assert previous_version([], None, ALL) is None
    assert previous_version(promoted("1"), "1", ALL) is None


@given(st.lists(st.integers(1, 5).map(str), min_size=1, max_size=12))
def test_rolling_back_all_the_way_retraces_the_promotions(versions: list[str]) -> None:
    distinct = [
        version
        for place, version in enumerate(versions)
        if place == 0 or version != versions[place - 1]
    ]
    events, current = promoted(*distinct), distinct[-1]
    seen = [current]
    while (previous := previous_version(events, current, ALL)) is not None:
        events.append(event("rolled back", previous, current))
        current = previous
        seen.append(current)
        assert len(seen) <= len(distinct)  # it comes to an end
    assert seen == distinct[::-1]


@pytest.fixture
def store(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    made = connect()
    made.registry.create("en-es", {})
    return made


def test_events_come_back_in_order_for_each_alias_alone(store: Store) -> None:
    for one in promoted(*(str(number) for number in range(1, 12))):
        append_event(store, "en-es", "champion", one)
    append_event(store, "en-es", "champion-2", event("forced", "5", None, "¿por qué? «»"))
    assert read_history(store, "en-es", "champion") == promoted(
        *(str(number) for number in range(1, 12))
    )
    [other] = read_history(store, "en-es", "champion-2")
    assert other.why == "¿por qué? «»"
    assert read_history(store, "en-es", "nothing") == []


def test_a_reason_too_long_for_a_tag_is_cut(store: Store) -> None:
    append_event(store, "en-es", "champion", event("forced", "1", None, '"' * 9000))
    registered = store.registry.find("en-es")
    assert registered is not None
    [text] = registered.tags.values()
    assert len(text) <= LONGEST_EVENT
    [kept] = read_history(store, "en-es", "champion")
    assert kept.why.endswith("…")


def test_damage_and_absence_are_told_in_one_line(store: Store) -> None:
    store.registry.set_tag("en-es", "tracelate.history.champion.0001", "{}")
    with pytest.raises(InputError, match=r"tracelate\.history\.champion\.0001 .* is damaged"):
        read_history(store, "en-es", "champion")
    with pytest.raises(InputError, match="no registered model en-fr"):
        read_history(store, "en-fr", "champion")
