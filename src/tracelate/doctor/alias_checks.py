"""Problems with the aliases of registered models."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from tracelate import layout
from tracelate.doctor.problem import Problem
from tracelate.errors import InputError
from tracelate.registry.alias_history import recorded_aliases
from tracelate.registry.alias_lock import find_lock
from tracelate.registry.unrecorded_moves import alias_state, remedy, state_of
from tracelate.registry.versions import Alias
from tracelate.signing.envelope import SignatureError
from tracelate.signing.trust import read_trust
from tracelate.tracking.references.signatures import find_version_signature
from tracelate.tracking.store.address import shown_uri
from tracelate.tracking.store.failures import StoreError
from tracelate.tracking.store.records import RegisteredModel, StoredVersion
from tracelate.tracking.store.store import Store


def alias_problems(
    store: Store,
    registered: RegisteredModel,
    versions: Sequence[StoredVersion],
    existing: Container[tuple[str, str]],
) -> Iterator[Problem]:
    """Yields the problems of a registered model's aliases.

    `versions` are those that Tracelate has made, of any registered model; `existing` has name and
    version of all. Raises StoreError if MLflow fails.
    """
    for name in dict.fromkeys([*registered.aliases, *recorded_aliases(registered)]):
        version = registered.aliases.get(name)
        if version is not None and (registered.name, version) not in existing:
            yield Problem(
                f"the alias {registered.name}@{name} points at version {version}, which is gone",
                shown_uri(),
                "promote another version, or run `tracelate rollback`",
            )
        else:
            yield from _unrecorded_move(store, registered, name)
    yield from _unsigned_aliases(store, registered, versions)


def _unrecorded_move(store: Store, registered: RegisteredModel, name: str) -> Iterator[Problem]:
    alias = Alias(registered.name, name)
    try:
        if state_of(registered, name).move is None:
            return
        lock = find_lock(store, alias.model)
        # a promotion that is going on records its move after it has made it
        move = None if lock is not None and not lock.is_stale else alias_state(store, alias).move
    except StoreError:
        raise
    except InputError as error:
        reason, _, to_do = str(error).rpartition(": ")
        yield Problem(reason, shown_uri(), to_do)
        return
    if move is not None:
        yield Problem(
            f"the alias {registered.name}@{name} {move.text}",
            shown_uri(),
            remedy(alias, move),
            is_certain=move.replaced is not None,
        )


def _unsigned_aliases(
    store: Store, registered: RegisteredModel, versions: Sequence[StoredVersion]
) -> Iterator[Problem]:
    try:
        trust = read_trust(folder=layout.project_root())
    except InputError:
        return  # a problem of the project, which is reported there
    if not trust.is_required:
        return
    by_number = {one.version: one for one in versions if one.name == registered.name}
    for alias, number in registered.aliases.items():
        if number not in by_number:
            continue
        try:
            find_version_signature(store, by_number[number], trust)
        except SignatureError as error:
            yield Problem(
                f"{registered.name}@{alias} will not be served: {error}",
                shown_uri(),
                f"promote the model of version {number} again with --sign-with",
            )
