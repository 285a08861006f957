"""A lock, so that one process at a time promotes or rolls back a registered model.

MLflow has no compare-and-set operation, but the name of a registered model is unique in a store. So
the process that can create the entry NAME--promotion-lock has the lock, on whatever machine it
runs, and deletes the entry to release it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from tracelate.errors import InputError
from tracelate.tracking.runs.run_owner import (
    HOST,
    PID,
    PID_SPACE,
    STARTED,
    process_tags,
    state_of,
    user_name,
)
from tracelate.tracking.store.failures import AlreadyExistsError, NotFoundError, StoreError
from tracelate.tracking.store.store import Store

SUFFIX = "--promotion-lock"
LOCK_TAG = "tracelate.lock."
STALE_AFTER = timedelta(hours=1)
"""A lock is considered stale after this time if its holder's process cannot be checked."""
WAIT_S = 60.0
POLL_S = 0.25
TAG_READS = 5
"""Number of times that an entry without tags is read before it is refused."""


class Lock(NamedTuple):
    """A lock and the process that holds it."""

    model: str
    """Name of the registered model."""
    host: str
    pid: int
    user: str
    since: datetime
    token: str
    """Unique for each time that a lock is taken."""
    started: str = ""
    """Start of the holder's process, as in `process_tags`; "" in locks of older versions."""
    pid_space: str = ""
    """Space of the process id, as in `process_tags`; "" in locks of older versions."""

    @property
    def entry(self) -> str:
        """Name of the lock's entry in the model registry."""
        return self.model + SUFFIX

    @property
    def age(self) -> timedelta:
        """Time since the lock was taken."""
        return datetime.now(UTC) - self.since

    @property
    def state(self) -> Literal["alive", "dead", "unknown"]:
        """State of the holder; unknown on another machine or in another container."""
        return state_of(
            {
                HOST: self.host,
                PID: str(self.pid),
                STARTED: self.started,
                PID_SPACE: self.pid_space,
            }
        )

    @property
    def is_stale(self) -> bool:
        """True if the holder is dead, or cannot be checked and took the lock long ago."""
        return self.state == "dead" or (self.state == "unknown" and self.age > STALE_AFTER)

    def describe(self) -> str:
        """Returns the holder and the age of the lock in one line."""
        minutes, seconds = divmod(max(0, int(self.age.total_seconds())), 60)
        age = f"{minutes:,} min {seconds} s" if minutes else f"{seconds} s"
        return (
            f"held by {self.user} on {self.host}, process {self.pid}, "
            f"since {self.since.isoformat(timespec='seconds')} ({age})"
        )


@contextmanager
def hold_lock(store: Store, model: str, wait_s: float = WAIT_S) -> Iterator[Lock]:
    """Holds the lock of a registered model while the block runs.

    Raises InputError with the holder's name if another process does not release the lock within
    `wait_s` seconds, or if the lock is stale.
    """
    lock = _take(store, model, wait_s)
    try:
        yield lock
    finally:
        with suppress(StoreError):  # the next process reports a lock that remains as stale
            release(store, lock)


def refuse_lost(store: Store, lock: Lock) -> None:
    """Raises InputError if the lock was released or taken by another process."""
    found = find_lock(store, lock.model)
    if found is None or found.token != lock.token:
        raise InputError(
            f"the lock {lock.entry} was removed while this process held it: the alias was not "
            "moved, try again"
        )


def find_lock(store: Store, model: str) -> Lock | None:
    """Returns the lock of a registered model, or None if no process holds it.

    Raises InputError if the lock's entry was not made by Tracelate.
    """
    tags: Mapping[str, str] = {}
    for _ in range(TAG_READS):
        entry = store.registry.find(model + SUFFIX)
        if entry is None:
            return None
        tags = entry.tags
        if tags:
            break
        # the lock was released after the store had read the entry, and before it read its tags
        time.sleep(POLL_S)
    return _parse(model, tags)


def stale_locks(store: Store) -> list[Lock]:
    """Returns all stale locks of the store."""
    entries = store.registry.search(f"name LIKE '%{SUFFIX}'")
    found = [find_lock(store, entry.name.removesuffix(SUFFIX)) for entry in entries]
    return [lock for lock in found if lock is not None and lock.is_stale]


def release(store: Store, lock: Lock) -> None:
    """Deletes the lock's entry, unless another process has taken the lock."""
    found = find_lock(store, lock.model)
    if found is not None and found.token == lock.token:
        store.registry.delete(lock.entry)


def _take(store: Store, model: str, wait_s: float) -> Lock:
    lock = _new_lock(model)
    deadline = time.monotonic() + wait_s
    while not _try_to_create(store, lock):
        other = find_lock(store, model)
        if other is None:
            continue
        if other.token == lock.token:  # it was created, but the store's answer was lost
            break
        if other.is_stale:
            _refuse_stale(other)
        if time.monotonic() >= deadline:
            raise InputError(
                f"another process promotes or rolls back {model}: {other.entry} is "
                f"{other.describe()}. Try again when it has finished"
            )
        time.sleep(POLL_S)
    return lock


def _new_lock(model: str) -> Lock:
    """Returns a lock of this process, which is not in the store yet."""
    own = process_tags()
    return Lock(
        model,
        own[HOST],
        int(own[PID]),
        user_name(),
        datetime.now(UTC),
        uuid.uuid4().hex,
        own[STARTED],
        own[PID_SPACE],
    )


def _try_to_create(store: Store, lock: Lock) -> bool:
    """Creates the lock's entry. Returns False if there is one already."""
    description = f"Not a model: the process that made this entry may move {lock.model}'s aliases."
    try:
        store.registry.create(lock.entry, _tags(lock), description)
    except (AlreadyExistsError, NotFoundError):  # not found: the entry was deleted just now
        return False
    return True


def _refuse_stale(lock: Lock) -> None:
    state, remedy = (
        ("is dead", "Run `tracelate doctor --fix`, which deletes it")
        if lock.state == "dead"
        else ("may be dead", "Delete that registered model if the process is gone")
    )
    raise InputError(
        f"{lock.model} is locked by a process that {state}: {lock.entry} is {lock.describe()}. "
        f"{remedy}"
    )


def _tags(lock: Lock) -> dict[str, str]:
    values = {
        "host": lock.host,
        "pid": lock.pid,
        "user": lock.user,
        "since": lock.since.isoformat(),
        "token": lock.token,
        "started": lock.started,
        "pid_space": lock.pid_space,
    }
    return {LOCK_TAG + name: str(value) for name, value in values.items() if value}


def _parse(model: str, tags: Mapping[str, str]) -> Lock:
    try:
        return Lock(
            model,
            tags[LOCK_TAG + "host"],
            int(tags[LOCK_TAG + "pid"]),
            tags[LOCK_TAG + "user"],
            datetime.fromisoformat(tags[LOCK_TAG + "since"]),
            tags[LOCK_TAG + "token"],
            tags.get(LOCK_TAG + "started", ""),
            tags.get(LOCK_TAG + "pid_space", ""),
        )
    except (KeyError, ValueError) as error:
        raise InputError(
            f"the registered model {model + SUFFIX} is not a lock of Tracelate's ({error}): "
            "delete or rename it in MLflow"
        ) from error
