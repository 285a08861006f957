"""Something wrong with a project or its store, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Ailment(NamedTuple):
    what: str
    where: str
    remedy: str
    """What a person can do."""
    mend: Callable[[], object] | None = None
    """Mends it, where that is safe."""
    is_certain: bool = True
    """False: a sign, such as a run that another machine may still be writing to."""
