"""Moving an alias back to an earlier version."""

from __future__ import annotations

from tracelate.errors import InputError
from tracelate.registry.alias_history import (
    Event,
    append_event,
    author_now,
    check_reason,
    previous_version,
    read_history,
)
from tracelate.registry.alias_lock import hold_lock, refuse_lost
from tracelate.registry.verdict import VERDICT_TAG
from tracelate.registry.versions import Alias, current_version
from tracelate.signing.trust import Trust, read_trust
from tracelate.tracking.references.signatures import find_version_signature
from tracelate.tracking.store.store import connect_existing


def roll_back(alias: Alias, reason: str | None, trust: Trust | None = None) -> Event:
    """Moves the alias back to its previous version; another call moves it further back.

    `trust` has the keys that must have signed that version; by default, those of params.yaml.

    Raises InputError if there is no previous version, or if it has to be signed and is not; and
    StoreError if MLflow fails.
    """
    check_reason(reason)
    trust = read_trust() if trust is None else trust
    store = connect_existing()
    read_history(store, alias)  # raises before the lock is created if there is no such model
    with hold_lock(store, alias.model) as lock:
        current = current_version(store, alias)
        existing = {one.version for one in store.registry.versions(alias.model)}
        previous = previous_version(read_history(store, alias), current, existing)
        if previous is None:
            raise InputError(
                f"there is no version to roll {alias} back to: `tracelate history` lists no "
                "earlier version that still exists"
            )
        if trust.is_required:
            find_version_signature(store, store.registry.version(alias.model, previous), trust)
        event = Event(
            kind="rolled back",
            version=previous,
            replaced=current,
            why=reason or "no reason given",
            **author_now()._asdict(),
        )
        refuse_lost(store, lock)
        store.registry.set_alias(alias.model, alias.name, previous)
        append_event(store, alias, event)
        if current in existing:
            text = f"{event.when} by {event.who}: {event.why}"
            store.registry.set_version_tag(alias.model, current, f"{VERDICT_TAG}rolled_back", text)
    return event
