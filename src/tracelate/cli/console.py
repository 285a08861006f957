"""Printing of results."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import typer

from tracelate.files import finite_or_none

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 250
"""Number of characters in a line if the output is not a terminal: no cell is cut or wrapped."""


def result_console() -> Console:
    """Returns a console on standard output."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


def print_json(value: Any) -> None:
    """Prints a value as JSON, with null for a number that is NaN or infinite."""
    typer.echo(json.dumps(finite_or_none(value), ensure_ascii=False, indent=2, allow_nan=False))
