"""One promotion or rollback of a registered model at a time, on all machines of a store.

MLflow has no compare-and-set, but a registered model's name is unique in every store: whoever can
create the entry NAME--promotion-lock has the lock, and deletes the entry when done.
"""

from __future__ import annotations

import getpass
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from tracelate.errors import InputError
from tracelate.tracking.failures import AlreadyExistsError, NotFoundError, StoreError
from tracelate.tracking.run_owner import HOST, PID, PID_SPACE, STARTED, process_tags, state_of
from tracelate.tracking.store import Store

SUFFIX = "--promotion-lock"
TAG = "tracelate.lock."
LONG = timedelta(hours=1)
"""The longest that a lock whose holder none can ask here passes for one that is held."""
WAIT_S = 60.0
POLL_S = 0.25
READINGS = 5
"""How often an entry without tags is read, before it passes for no lock."""


class Lock(NamedTuple):
    """Who holds the right to move the aliases of a registered model."""

    model: str
    host: str
    pid: int
    user: str
    since: datetime
    token: str
    """Of this holding alone."""
    started: str = ""
    """When the holder began, as `process_tags` says it; older locks do not."""
    pid_space: str = ""
    """Where the pid is the holder's (see `pid_space`); older locks do not say."""

    @property
    def entry(self) -> str:
        return self.model + SUFFIX

    @property
    def age(self) -> timedelta:
        return datetime.now(UTC) - self.since

    @property
    def state(self) -> Literal["alive", "dead", "unknown"]:
        """Of the holder; unknown on another machine or in another container."""
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
        """Whether the holder has died or, where none can ask, must have."""
        return self.state == "dead" or (self.state == "unknown" and self.age > LONG)

    def describe(self) -> str:
        minutes, seconds = divmod(max(0, int(self.age.total_seconds())), 60)
        age = f"{minutes:,} min {seconds} s" if minutes else f"{seconds} s"
        return (
            f"held by {self.user} on {self.host}, process {self.pid}, "
            f"since {self.since.isoformat(timespec='seconds')} ({age})"
        )


@contextmanager
def hold_lock(store: Store, model: str, wait_s: float = WAIT_S) -> Iterator[Lock]:
    """Holds the lock of a registered model while the block runs.

    Raises InputError, which names the holder, where another has had it for longer than `wait_s`
    or has died with it.
    """
    lock = _take(store, model, wait_s)
    try:
        yield lock
    finally:
        with suppress(StoreError):  # what stays is told to the next one as stale
            release(store, lock)


def refuse_lost(store: Store, lock: Lock) -> None:
    """Raises InputError where someone has taken the lock away meanwhile."""
    found = find_lock(store, lock.model)
    if found is None or found.token != lock.token:
        raise InputError(
            f"the lock {lock.entry} was taken away while it was held: nothing was moved, try again"
        )


def find_lock(store: Store, model: str) -> Lock | None:
    """Returns the lock of a registered model, or None if no process holds it.

    Raises InputError if the lock's entry was not made by Tracelate.
    """
    tags: Mapping[str, str] = {}
    for _ in range(READINGS):
        entry = store.registry.find(model + SUFFIX)
        if entry is None:
            return None
        tags = entry.tags
        if tags:
            break
        # the lock was released after the store had read the entry, and before it read its tags
        time.sleep(POLL_S)
    return _read(model, tags)


def stale_locks(store: Store) -> list[Lock]:
    """The locks in the store whose holders have died."""
    entries = store.registry.search(f"name LIKE '%{SUFFIX}'")
    found = [find_lock(store, entry.name.removesuffix(SUFFIX)) for entry in entries]
    return [lock for lock in found if lock is not None and lock.is_stale]


def release(store: Store, lock: Lock) -> None:
    """Deletes the lock's entry, if it is still this lock's."""
    found = find_lock(store, lock.model)
    if found is not None and found.token == lock.token:
        store.registry.delete(lock.entry)


def user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"


def _take(store: Store, model: str, wait_s: float) -> Lock:
    own = process_tags()
    lock = Lock(
        model,
        own[HOST],
        int(own[PID]),
        user_name(),
        datetime.now(UTC),
        uuid.uuid4().hex,
        own[STARTED],
        own[PID_SPACE],
    )
    give_up = time.monotonic() + wait_s
    while True:
        try:
            store.registry.create(
                lock.entry,
                _tags(lock),
                f"No model: whoever has this entry may move the aliases of {model}.",
            )
            return lock
        except (AlreadyExistsError, NotFoundError):  # not found: it was deleted at this moment
            pass
        other = find_lock(store, model)
        if other is None:
            continue
        if other.token == lock.token:  # created, and asked for again since the answer was lost
            return lock
        if other.is_stale:
            died, remedy = (
                ("died", "`tracelate doctor --fix` removes it")
                if other.state == "dead"
                else ("perhaps died", "Delete that registered model if the process is gone")
            )
            raise InputError(
                f"{model} is locked by a process that {died}: {other.entry} is "
                f"{other.describe()}. {remedy}"
            )
        if time.monotonic() >= give_up:
            raise InputError(
                f"{model} is being promoted or rolled back by another: {other.entry} is "
                f"{other.describe()}. Try again when it is done"
            )
        time.sleep(POLL_S)


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
    return {TAG + name: str(value) for name, value in values.items() if value}


def _read(model: str, tags: Mapping[str, str]) -> Lock:
    try:
        return Lock(
            model,
            tags[TAG + "host"],
            int(tags[TAG + "pid"]),
            tags[TAG + "user"],
            datetime.fromisoformat(tags[TAG + "since"]),
            tags[TAG + "token"],
            tags.get(TAG + "started", ""),
            tags.get(TAG + "pid_space", ""),
        )
    except (KeyError, ValueError) as error:
        raise InputError(
            f"the registered model {model + SUFFIX} is no lock that Tracelate made ({error}): "
            "delete or rename it in MLflow"
        ) from error
