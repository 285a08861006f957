"""Moves of an alias that no promotion or rollback has recorded, such as in MLflow's own pages.

MLflow keeps neither time nor user of such a move. It shows in the difference between where the
last recorded event left the alias and where the next event, or a look at it, has found it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tracelate.registry.alias_history import Event, read_events
from tracelate.registry.versions import DEFAULT_ALIAS, Alias
from tracelate.tracking.store.records import RegisteredModel
from tracelate.tracking.store.store import Store


class UnrecordedMove(NamedTuple):
    """A change of an alias that Tracelate did not make."""

    version: str | None
    """Version that the alias was found at; None if the alias was deleted."""
    replaced: str | None
    """Version at which the last recorded event left the alias; None if there was no such event."""
    after: str | None
    """Time of the last recorded event, ISO 8601 in UTC: the move was made later."""
    before: str | None
    """Time of the event that found the alias moved; None if none has, and it still is."""

    @property
    def text(self) -> str:
        """A line about the move, which follows the alias's name."""
        moved = f"was moved from version {self.replaced} to version {self.version}"
        if self.version is None:
            moved = f"was deleted; it was at version {self.replaced}"
        elif self.replaced is None:
            moved = f"was set to version {self.version}"
        times = [
            f"{name} {when[:16].replace('T', ' ')} UTC"
            for name, when in (("after", self.after), ("before", self.before))
            if when is not None
        ]
        when = f" ({' and '.join(times)})" if times else ""
        return f"{moved}{when}, and no promotion or rollback has recorded it"


def with_moves(events: Sequence[Event], current: str | None) -> list[Event | UnrecordedMove]:
    """Returns the events of an alias with the moves between them, and the one to `current`."""
    entries: list[Event | UnrecordedMove] = []
    version: str | None = None
    after: str | None = None
    for event in events:
        if event.replaced != version:
            entries.append(UnrecordedMove(event.replaced, version, after, event.when))
        entries.append(event)
        version, after = event.version, event.when
    if current != version:
        entries.append(UnrecordedMove(current, version, after, None))
    return entries


class AliasState(NamedTuple):
    """An alias as it is now."""

    version: str | None
    """Version that it points at; None if there is no such alias."""
    move: UnrecordedMove | None
    """The move that has left it there; None if a recorded event did, or there never was one."""


def alias_state(store: Store, alias: Alias) -> AliasState:
    """Looks an alias up.

    Raises InputError if one of its events is damaged, and StoreError if MLflow fails.
    """
    registered = store.registry.find(alias.model)
    return AliasState(None, None) if registered is None else state_of(registered, alias.name)


def state_of(registered: RegisteredModel, alias: str) -> AliasState:
    """Returns the state of one of a registered model's aliases.

    Raises InputError if one of its events is damaged.
    """
    version = registered.aliases.get(alias)
    last = next(reversed(with_moves(read_events(registered, alias), version)), None)
    return AliasState(version, last if isinstance(last, UnrecordedMove) else None)


def remedy(alias: Alias, move: UnrecordedMove) -> str:
    """Returns what a user can do about an alias that was moved."""
    of_alias = f"--name {alias.model}" + f" --alias {alias.name}" * (alias.name != DEFAULT_ALIAS)
    options = []
    if move.version is not None:
        promote = f"tracelate promote models:/{alias.model}/{move.version} {of_alias}"
        options.append(f"promote version {move.version} (`{promote}`)")
    if move.replaced is not None:
        options.append(f"go back to version {move.replaced} (`tracelate rollback {of_alias}`)")
    return " or ".join(options)
