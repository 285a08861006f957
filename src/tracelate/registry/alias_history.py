"""The past of an alias: what it pointed at, since when and why, as tags of the registered model."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from socket import gethostname
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from tracelate.errors import InputError
from tracelate.git import current_commit
from tracelate.registry.alias_lock import user_name
from tracelate.tracking.store import Store

TAG = "tracelate.history."
LONGEST_EVENT = 5000
"""Characters that a store keeps of a registered model's tag."""

Kind = Literal["promoted", "forced", "rolled back"]


class Author(NamedTuple):
    """Who moves an alias, or judges whether it is moved, and when."""

    when: str
    """ISO 8601, in UTC."""
    who: str
    commit: str | None
    """Of the code that runs."""


class Event(BaseModel):
    """One move of an alias."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    kind: Kind
    version: str
    """What the alias has pointed at since."""
    replaced: str | None
    """What it pointed at before; None: nothing."""
    when: str
    """ISO 8601, in UTC."""
    who: str
    commit: str | None
    """Of the code that ran."""
    why: str
    """The gate's numbers, or a person's reason."""
    failed: list[str] = []
    """The checks that a forced promotion did not pass."""
    record: str | None = None
    """The whole verdict: an artifact's address, runs:/…; None: a rollback has none."""


def author_now() -> Author:
    """This process."""
    when = datetime.now(UTC).isoformat(timespec="microseconds")
    return Author(when, f"{user_name()}@{gethostname()}", current_commit().sha)


def read_history(store: Store, model: str, alias: str) -> list[Event]:
    """The oldest first. Raises InputError where the registered model is missing or an event is
    damaged.
    """
    events = []
    for number, text in sorted(_tags(store, model, alias).items()):
        try:
            events.append(Event.model_validate_json(text))
        except ValidationError as error:
            raise InputError(
                f"the tag {_tag(alias, number)} of the registered model {model} is damaged: "
                "restore or delete it in MLflow"
            ) from error
    return events


def append_event(store: Store, model: str, alias: str, event: Event) -> None:
    """Only for the holder of the model's lock. A reason that is too long is cut."""
    number = max(_tags(store, model, alias), default=0) + 1
    text = event.model_dump_json(exclude_defaults=True)
    if (excess := len(text) - LONGEST_EVENT) > 0:
        event = event.model_copy(update={"why": event.why[: -excess - 1] + "…"})
        text = event.model_dump_json(exclude_defaults=True)
    store.registry.set_tag(model, _tag(alias, number), text)


def previous_version(
    events: Sequence[Event], current: str | None, existing: Collection[str]
) -> str | None:
    """Where a rollback goes: what the alias pointed at before `current` came, and was not rolled
    back from since; versions that were deleted are passed over. None: nowhere.
    """
    past: list[str] = []
    for event in events:
        if event.kind == "rolled back":
            while past and past[-1] != event.version:
                past.pop()
        elif event.replaced is not None and past[-1:] != [event.replaced]:
            past.append(event.replaced)  # moved there by hand
        if past[-1:] != [event.version]:
            past.append(event.version)
    if past[-1:] == [current]:
        past.pop()
    return next((version for version in reversed(past) if version in existing), None)


def _tags(store: Store, model: str, alias: str) -> dict[int, str]:
    registered = store.registry.find(model)
    if registered is None:
        raise InputError(
            f"there is no registered model {model}: promote one, or name another with --name"
        )
    pattern = re.compile(rf"{re.escape(TAG + alias)}\.([0-9]+)")
    return {
        int(found[1]): text
        for name, text in registered.tags.items()
        if (found := pattern.fullmatch(name))
    }


def _tag(alias: str, number: int) -> str:
    return f"{TAG}{alias}.{number:04d}"
