"""The console for results."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 250
"""Number of characters in a line if the output is not a terminal: no cell is cut or wrapped."""


def result_console() -> Console:
    """Returns a console on standard output."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
