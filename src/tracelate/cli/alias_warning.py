"""The warning about a model that has its alias without a promotion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracelate.errors import InputError

if TYPE_CHECKING:
    from tracelate.tracking.references.references import Reference


def alias_warning(reference: Reference) -> str | None:
    """Returns a line if the reference names an alias that was moved without a record.

    A model that nobody has signed is refused by other means where a signature is needed.
    """
    from tracelate.registry.unrecorded_moves import alias_state, remedy
    from tracelate.registry.versions import Alias
    from tracelate.tracking.references.references import VersionReference
    from tracelate.tracking.store.store import connect_existing

    if not isinstance(reference, VersionReference) or reference.alias is None:
        return None
    alias = Alias(reference.version.name, reference.alias)
    try:
        move = alias_state(connect_existing(), alias).move
    except InputError as error:
        return f"warning: the moves of {alias} cannot be checked: {error}"
    if move is None:
        return None
    return f"warning: {alias} {move.text}: {remedy(alias, move)}"
