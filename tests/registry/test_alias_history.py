"""The target of a rollback, and an alias's history in the registered model's tags."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.errors import InputError
from tracelate.registry.alias_history import (
    MAX_EVENT_LENGTH,
    Event,
    Kind,
    append_event,
    previous_version,
    read_history,
)
from tracelate.registry.versions import Alias
from tracelate.tracking.store.store import Store, connect

CHAMPION = Alias("en-es", "champion")
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


def test_a_rollback_returns_to_the_previous_version_and_the_next_one_further() -> None:
    events = promoted("1", "2", "3")
    assert previous_version(events, "3", ALL) == "2"
    events.append(event("rolled back", "2", "3"))
    assert previous_version(events, "2", ALL) == "1"
    events.append(event("rolled back", "1", "2"))
    assert previous_version(events, "1", ALL) is None


def test_a_version_that_was_rolled_back_is_skipped() -> None:
    events = [*promoted("1", "2"), event("rolled back", "1", "2"), event("promoted", "3", "1")]
    assert previous_version(events, "3", ALL) == "1"


def test_a_deleted_version_is_skipped() -> None:
    assert previous_version(promoted("1", "2", "3"), "3", ALL - {"2"}) == "1"
    assert previous_version(promoted("1", "2"), "2", {"2"}) is None


def test_an_alias_moved_without_tracelate_returns_to_the_last_promoted_version() -> None:
    assert previous_version(promoted("1", "2"), "7", ALL) == "2"
    assert previous_version(promoted("1", "2", "3"), "2", ALL) == "3"
    # never to the version that it has already
    assert previous_version(promoted("1", "2", "3"), "2", ALL - {"3"}) == "1"
    assert previous_version(promoted("1", "2"), "1", {"1"}) is None
    # a version that a promotion replaced is a previous version, too
    events = [*promoted("1", "2"), event("promoted", "3", "7")]
    assert previous_version(events, "3", ALL) == "7"


def test_without_a_previous_version_there_is_no_target() -> None:
    assert previous_version([], None, ALL) is None
    assert previous_version(promoted("1"), "1", ALL) is None


@given(st.lists(st.integers(1, 5).map(str), min_size=1, max_size=12))
def test_repeated_rollbacks_return_through_all_promotions(versions: list[str]) -> None:
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
        assert len(seen) <= len(distinct)  # no endless loop
    assert seen == distinct[::-1]


@pytest.fixture
def store(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    made = connect()
    made.registry.create("en-es", {})
    return made


def test_events_are_read_in_order_and_for_one_alias_only(store: Store) -> None:
    for one in promoted(*(str(number) for number in range(1, 12))):
        append_event(store, CHAMPION, one)
    append_event(store, Alias("en-es", "champion-2"), event("forced", "5", None, "¿por qué? «»"))
    assert read_history(store, CHAMPION) == promoted(*(str(number) for number in range(1, 12)))
    [other] = read_history(store, Alias("en-es", "champion-2"))
    assert other.why == "¿por qué? «»"
    assert read_history(store, Alias("en-es", "nothing")) == []


def test_a_reason_too_long_for_a_tag_is_shortened(store: Store) -> None:
    append_event(store, CHAMPION, event("forced", "1", None, '"' * 9000))
    registered = store.registry.find("en-es")
    assert registered is not None
    [text] = registered.tags.values()
    assert len(text) <= MAX_EVENT_LENGTH
    [kept] = read_history(store, CHAMPION)
    assert kept.why.endswith("…")


def test_a_damaged_event_and_a_missing_model_are_refused_by_name(store: Store) -> None:
    store.registry.set_tag("en-es", "tracelate.history.champion.0001", "{}")
    with pytest.raises(InputError, match=r"tracelate\.history\.champion\.0001 .* is damaged"):
        read_history(store, CHAMPION)
    with pytest.raises(InputError, match="no registered model en-fr"):
        read_history(store, Alias("en-fr", "champion"))
