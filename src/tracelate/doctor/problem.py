"""A problem of a project or its store, and its remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Problem(NamedTuple):
    """One problem."""

    what: str
    where: str
    remedy: str
    """Advice for the user."""
    fix: Callable[[], object] | None = None
    """Fixes the problem, or None if that is not safe. It looks again and returns False if there is
    nothing to fix any more.
    """
    is_certain: bool = True
    """False for a suspicion, such as a run that another machine may still be writing to."""
