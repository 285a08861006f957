"""One promotion or rollback of a registered model at a time, on all machines of a store.

MLflow has no compare-and-set, but a registered model's name is unique in every store: whoever can
create the entry NAME--promotion-lock has the lock, and deletes the entry when done.
"""

from __future__ import annotations

import getpass
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from tracelate.errors import InputError
from tracelate.tracking.run_owner import HOST, PID, PID_SPACE, STARTED, process_tags, state_of

SUFFIX = "--promotion-lock"
TAG = "tracelate.lock."
LONG = timedelta(hours=1)
"""The longest that a lock whose holder none can ask here passes for one that is held."""
WAIT_S = 60.0
POLL_S = 0.25
READINGS = 5
"""How often an entry without tags is read, before it passes for no lock."""
PAGE = 100
TAKEN = ("RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST")
"""What creating an entry fails with where there is one, or one was deleted just now."""


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
def hold_lock(client: MlflowClient, model: str, wait_s: float = WAIT_S) -> Iterator[Lock]:
    """Holds the lock of a registered model while the block runs.

    Raises InputError, which names the holder, where another has had it for longer than `wait_s`
    or has died with it.
    """
    lock = _take(client, model, wait_s)
    try:
        yield lock
    finally:
        with suppress(MlflowException):  # what stays is told to the next one as stale
            release(client, lock)


def refuse_lost(client: MlflowClient, lock: Lock) -> None:
    """Raises InputError where someone has taken the lock away meanwhile."""
    found = find_lock(client, lock.model)
    if found is None or found.token != lock.token:
        raise InputError(
            f"the lock {lock.entry} was taken away while it was held: nothing was moved, try again"
        )


def find_lock(client: MlflowClient, model: str) -> Lock | None:
    """None where no one holds it. Raises InputError where the entry is no lock."""
    for _ in range(READINGS):
        try:
            entry = client.get_registered_model(model + SUFFIX)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        if entry.tags:
            break
        time.sleep(POLL_S)  # released after the store had read the entry, before it read its tags
    return _read(model, entry.tags)


def stale_locks(client: MlflowClient) -> list[Lock]:
    """The locks in the store whose holders have died."""
    names: list[str] = []
    token: str | None = None
    while True:
        page = client.search_registered_models(
            f"name LIKE '%{SUFFIX}'", max_results=PAGE, page_token=token
        )
        names += [entry.name.removesuffix(SUFFIX) for entry in page]
        token = page.token
        if not token:
            break
    found = [find_lock(client, name) for name in names]
    return [lock for lock in found if lock is not None and lock.is_stale]


def release(client: MlflowClient, lock: Lock) -> None:
    """Deletes the lock's entry, if it is still this lock's."""
    found = find_lock(client, lock.model)
    if found is not None and found.token == lock.token:
        client.delete_registered_model(lock.entry)


def user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"


def _take(client: MlflowClient, model: str, wait_s: float) -> Lock:
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
            client.create_registered_model(
                lock.entry,
                tags=_tags(lock),
                description=f"No model: whoever has this entry may move the aliases of {model}.",
            )
            return lock
        except MlflowException as error:
            if error.error_code not in TAKEN:
                raise
        other = find_lock(client, model)
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


def _read(model: str, tags: dict[str, str]) -> Lock:
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
