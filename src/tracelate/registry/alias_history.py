"""The moves of an alias: when, why and by whom, stored as tags of the registered model."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from socket import gethostname
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from tracelate.errors import InputError
from tracelate.git import current_commit
from tracelate.registry.versions import Alias
from tracelate.tracking.runs.run_owner import user_name
from tracelate.tracking.store.records import RegisteredModel
from tracelate.tracking.store.store import Store

HISTORY_TAG = "tracelate.history."
"""Beginning of a tag's name, followed by the alias and the event's number."""
MAX_EVENT_LENGTH = 5000
"""Number of characters that a store keeps of a registered model's tag."""
MAX_REASON_LENGTH = 1000


Kind = Literal["promoted", "forced", "rolled back"]


class Author(NamedTuple):
    """The user and the code that move an alias, and the time."""

    when: str
    """ISO 8601, in UTC."""
    who: str
    """USER@HOST."""
    commit: str | None
    """Commit of the code that runs."""


class Event(BaseModel):
    """One move of an alias."""

    # a later version may write more
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    kind: Kind
    version: str
    """Version that the alias points at after the move."""
    replaced: str | None
    """Version that the alias pointed at before; None if there was none."""
    when: str
    """ISO 8601, in UTC."""
    who: str
    """USER@HOST."""
    commit: str | None
    """Commit of the code that ran."""
    why: str
    """The gate's measurements, or the user's reason."""
    failed: list[str] = []
    """Names of the checks that a forced promotion did not pass."""
    record: str | None = None
    """Address of the verdict's file, runs:/…; None for a rollback."""


def author_now() -> Author:
    """Returns the user and the commit of this process, and the present time."""
    when = datetime.now(UTC).isoformat(timespec="microseconds")
    return Author(when, f"{user_name()}@{gethostname()}", current_commit().sha)


def check_reason(reason: str | None) -> None:
    """Raises InputError if a reason is given but is empty or too long."""
    if reason is None:
        return
    if not reason.strip():
        raise InputError("--reason is empty: give a reason")
    if len(reason) > MAX_REASON_LENGTH:
        raise InputError(
            f"--reason has {len(reason):,} characters, but {MAX_REASON_LENGTH:,} are allowed: "
            "shorten it, and link to a longer text"
        )


def read_history(store: Store, alias: Alias) -> list[Event]:
    """Returns the events of an alias, the oldest first.

    Raises InputError if there is no such registered model, or if an event is damaged.
    """
    return read_events(_find(store, alias), alias.name)


def read_events(registered: RegisteredModel, alias: str) -> list[Event]:
    """Returns the events of one of the model's aliases, the oldest first.

    Raises InputError if an event is damaged.
    """
    events = []
    for number, text in sorted(_read_tags(registered, alias).items()):
        try:
            events.append(Event.model_validate_json(text))
        except ValidationError as error:
            raise InputError(
                f"the tag {_tag_name(alias, number)} of the registered model {registered.name} "
                "is damaged: restore or delete it in MLflow"
            ) from error
    return events


def append_event(store: Store, alias: Alias, event: Event) -> None:
    """Appends an event and shortens its reason if it is too long for a tag.

    The caller must hold the lock of the registered model.
    """
    number = max(_read_tags(_find(store, alias), alias.name), default=0) + 1
    text = event.model_dump_json(exclude_defaults=True)
    if (excess := len(text) - MAX_EVENT_LENGTH) > 0:
        event = event.model_copy(update={"why": event.why[: -excess - 1] + "…"})
        text = event.model_dump_json(exclude_defaults=True)
    store.registry.set_tag(alias.model, _tag_name(alias.name, number), text)


def previous_version(
    events: Sequence[Event], current: str | None, existing: Collection[str]
) -> str | None:
    """Returns the version that a rollback returns to, or None if there is none.

    It is the last version before `current` that the alias was not rolled back from. Versions that
    are not in `existing` are skipped.
    """
    past: list[str] = []
    for event in events:
        if event.kind == "rolled back":
            while past and past[-1] != event.version:
                past.pop()
        elif event.replaced is not None and past[-1:] != [event.replaced]:
            past.append(event.replaced)  # the alias was moved without Tracelate
        if past[-1:] != [event.version]:
            past.append(event.version)
    # an alias that was moved without Tracelate is rolled back to where the last event left it
    earlier = past[:-1] if past[-1:] == [current] else past
    return next(
        (version for version in reversed(earlier) if version in existing and version != current),
        None,
    )


def recorded_aliases(registered: RegisteredModel) -> list[str]:
    """Returns the names of the model's aliases that have events, each once."""
    pattern = re.compile(rf"{re.escape(HISTORY_TAG)}(.+)\.[0-9]+")
    found = (pattern.fullmatch(name) for name in registered.tags)
    return list(dict.fromkeys(one[1] for one in found if one is not None))


def _find(store: Store, alias: Alias) -> RegisteredModel:
    registered = store.registry.find(alias.model)
    if registered is None:
        raise InputError(
            f"there is no registered model {alias.model}: promote a model first, or name another "
            "registered model with --name"
        )
    return registered


def _read_tags(registered: RegisteredModel, alias: str) -> dict[int, str]:
    """Returns the alias's events as JSON, each under its number."""
    pattern = re.compile(rf"{re.escape(HISTORY_TAG + alias)}\.([0-9]+)")
    return {
        int(found[1]): text
        for name, text in registered.tags.items()
        if (found := pattern.fullmatch(name))
    }


def _tag_name(alias: str, number: int) -> str:
    return f"{HISTORY_TAG}{alias}.{number:04d}"
