"""Moves of an alias that no event has recorded are found, each once, and nothing else is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow import MlflowClient

from tests.registry.test_alias_history import event
from tests.tracking.stored_runs import mlflow_client
from tracelate.errors import InputError
from tracelate.registry.alias_history import Event, append_event, read_history, recorded_aliases
from tracelate.registry.unrecorded_moves import (
    AliasState,
    UnrecordedMove,
    alias_state,
    remedy,
    with_moves,
)
from tracelate.registry.versions import Alias
from tracelate.tracking.store.store import connect

CHAMPION = Alias("en-es", "champion")
FIRST, SECOND = "2026-01-02T03:04:05+00:00", "2026-02-02T03:04:05+00:00"


def at(when: str, version: str, replaced: str | None) -> Event:
    return event("promoted", version, replaced).model_copy(update={"when": when})


def moves_of(events: list[Event], current: str | None) -> list[UnrecordedMove]:
    return [one for one in with_moves(events, current) if isinstance(one, UnrecordedMove)]


VERSIONS = st.sampled_from([None, "1", "2", "3"])


@given(st.lists(st.tuples(st.booleans(), VERSIONS), max_size=12))
def test_each_move_without_an_event_is_found_between_the_events_around_it(
    steps: list[tuple[bool, str | None]],
) -> None:
    events: list[Event] = []
    expected: list[tuple[str | None, str | None, str | None, str | None]] = []
    current: str | None = None
    recorded: str | None = None
    last_when: str | None = None
    for number, (is_recorded, version) in enumerate(steps):
        if is_recorded and version is not None:
            when = f"2026-01-01T00:00:{number:02d}+00:00"
            if current != recorded:
                expected.append((current, recorded, last_when, when))
            events.append(at(when, version, current))
            current = recorded = version
            last_when = when
        elif not is_recorded:
            current = version
    if current != recorded:
        expected.append((current, recorded, last_when, None))
    entries = with_moves(events, current)
    assert [tuple(one) for one in entries if isinstance(one, UnrecordedMove)] == expected
    assert [one for one in entries if isinstance(one, Event)] == events


def test_a_move_says_from_where_to_where_when_and_that_nothing_recorded_it() -> None:
    [moved] = moves_of([at(FIRST, "3", None)], "7")
    assert moved.text == (
        "was moved from version 3 to version 7 (after 2026-01-02 03:04 UTC), and no promotion or "
        "rollback has recorded it"
    )
    [deleted] = moves_of([at(FIRST, "3", None)], None)
    assert deleted.text.startswith("was deleted; it was at version 3 (after 2026-01-02 03:04 UTC)")
    [made] = moves_of([], "7")
    assert made.text == ("was set to version 7, and no promotion or rollback has recorded it")
    [between] = moves_of([at(FIRST, "3", None), at(SECOND, "4", "7")], "4")
    assert "(after 2026-01-02 03:04 UTC and before 2026-02-02 03:04 UTC)" in between.text


def test_the_remedy_names_what_is_possible() -> None:
    promote = "promote version 7 (`tracelate promote models:/en-es/7 --name en-es`)"
    back = "go back to version 3 (`tracelate rollback --name en-es`)"
    assert remedy(CHAMPION, UnrecordedMove("7", "3", FIRST, None)) == f"{promote} or {back}"
    assert remedy(CHAMPION, UnrecordedMove("7", None, None, None)) == promote
    assert remedy(CHAMPION, UnrecordedMove(None, "3", FIRST, None)) == back
    other = remedy(Alias("en-es", "live"), UnrecordedMove(None, "3", FIRST, None))
    assert other.endswith("rollback --name en-es --alias live`)")


@pytest.fixture
def client(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """With a registered model of three versions."""
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    made = mlflow_client()
    made.create_registered_model("en-es")
    for _ in range(3):
        made.create_model_version("en-es", "file:///nowhere")
    return made


def test_moves_by_mlflows_own_client_are_seen(client: MlflowClient) -> None:
    store = connect()
    assert alias_state(store, CHAMPION) == AliasState(None, None)
    assert alias_state(store, Alias("nothing", "champion")) == AliasState(None, None)

    client.set_registered_model_alias("en-es", "champion", "1")
    assert alias_state(store, CHAMPION) == AliasState("1", UnrecordedMove("1", None, None, None))

    append_event(store, CHAMPION, at(FIRST, "1", "1"))
    assert alias_state(store, CHAMPION) == AliasState("1", None)

    client.set_registered_model_alias("en-es", "champion", "3")
    assert alias_state(store, CHAMPION) == AliasState("3", UnrecordedMove("3", "1", FIRST, None))

    client.delete_registered_model_alias("en-es", "champion")
    gone = UnrecordedMove(None, "1", FIRST, None)
    assert alias_state(store, CHAMPION) == AliasState(None, gone)
    registered = store.registry.find("en-es")
    assert registered is not None and recorded_aliases(registered) == ["champion"]

    client.set_registered_model_alias("en-es", "champion", "1")
    assert alias_state(store, CHAMPION) == AliasState("1", None)
    assert len(with_moves(read_history(store, CHAMPION), "1")) == 2


def test_names_of_aliases_that_begin_alike_are_distinguished(client: MlflowClient) -> None:
    store = connect()
    for name in ("champion", "champion-2", "v_1"):
        append_event(store, Alias("en-es", name), at(FIRST, "1", None))
        append_event(store, Alias("en-es", name), at(SECOND, "2", "1"))
    registered = store.registry.find("en-es")
    assert registered is not None
    assert sorted(recorded_aliases(registered)) == ["champion", "champion-2", "v_1"]


def test_a_damaged_event_is_refused_by_its_name(client: MlflowClient) -> None:
    client.set_registered_model_tag("en-es", "tracelate.history.champion.0001", "{}")
    with pytest.raises(InputError, match=r"tracelate\.history\.champion\.0001 .* is damaged"):
        alias_state(connect(), CHAMPION)
