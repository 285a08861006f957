"""States of a lock's entry while another process creates or deletes it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import cast

import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import RegisteredModel, RegisteredModelTag
from mlflow.exceptions import RestException

from tracelate.errors import InputError
from tracelate.registry import alias_lock
from tracelate.registry.alias_lock import STALE_AFTER, Lock, find_lock, hold_lock
from tracelate.tracking.runs.run_owner import HOST, PID_SPACE, STARTED, process_tags
from tracelate.tracking.store.failures import ReportingClient
from tracelate.tracking.store.model_registry import ModelRegistry
from tracelate.tracking.store.model_store import ModelStore
from tracelate.tracking.store.run_store import RunStore
from tracelate.tracking.store.store import Store


class FakeClient:
    """Answers with the given entries in turn, and then always with the last one."""

    def __init__(self, *entries: RegisteredModel | None) -> None:
        self.entries: Iterator[RegisteredModel | None] = iter(entries)
        self.entry: RegisteredModel | None = None

    def get_registered_model(self, name: str) -> RegisteredModel:
        self.entry = next(self.entries, self.entry)
        if self.entry is None:
            raise RestException({"error_code": "RESOURCE_DOES_NOT_EXIST"})
        return self.entry

    def create_registered_model(self, *_: object, **__: object) -> None:
        raise RestException({"error_code": "RESOURCE_ALREADY_EXISTS"})


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alias_lock, "POLL_S", 0)


def store_with(*entries: RegisteredModel | None) -> Store:
    client = ReportingClient(cast(MlflowClient, FakeClient(*entries)))
    return Store(RunStore(client), ModelStore(client), ModelRegistry(client))


def found(*entries: RegisteredModel | None) -> alias_lock.Lock | None:
    return find_lock(store_with(*entries), "en-es")


BARE = RegisteredModel("en-es--promotion-lock")


def test_an_entry_that_is_deleted_while_it_is_read_is_not_a_lock() -> None:
    assert found(BARE, None) is None


def test_an_entry_that_stays_without_tags_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="en-es--promotion-lock is not a lock of Tracelate's"):
        found(BARE)


def own_lock() -> Lock:
    """A lock of this process."""
    tags = process_tags()
    return Lock(
        "en-es",
        tags[HOST],
        os.getpid(),
        "someone",
        datetime.now(UTC),
        "a token",
        tags[STARTED],
        tags[PID_SPACE],
    )


def gone_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def entry(lock: Lock, *left_out: str) -> RegisteredModel:
    tags = alias_lock._tags(lock).items()
    kept = [RegisteredModelTag(*tag) for tag in tags if tag[0].rpartition(".")[2] not in left_out]
    return RegisteredModel(lock.entry, tags=kept)


def test_a_lock_whose_process_id_was_reused_is_stale() -> None:
    assert own_lock().state == "alive" and not own_lock().is_stale
    assert own_lock()._replace(started="1000.0").is_stale


def test_a_lock_of_another_container_with_the_same_name_is_stale_only_after_an_hour() -> None:
    for pid in (os.getpid(), gone_process()):
        lock = own_lock()._replace(pid=pid, pid_space="another boot pid:[4026531836]")
        assert lock.state == "unknown" and not lock.is_stale
        assert lock._replace(since=lock.since - STALE_AFTER).is_stale


def test_a_lock_of_an_older_version_is_judged_by_its_process_id() -> None:
    lock = own_lock()
    old = found(entry(lock, "started", "pid_space"))
    assert old == lock._replace(started="", pid_space="")
    assert not old.is_stale
    assert old._replace(since=old.since - STALE_AFTER).is_stale
    assert old._replace(pid=gone_process()).is_stale


def test_a_stale_lock_is_reported_with_the_way_to_remove_it() -> None:
    dead = own_lock()._replace(started="1000.0")
    elsewhere = own_lock()._replace(host="elsewhere", since=datetime(2026, 1, 2, tzinfo=UTC))
    for lock, message in (
        (dead, "process that is dead: .* Run `tracelate doctor --fix`, which deletes it"),
        (elsewhere, "process that may be dead: .* Delete that registered model if the process"),
    ):
        with (
            pytest.raises(InputError, match=message),
            hold_lock(store_with(entry(lock)), "en-es"),
        ):
            pass
