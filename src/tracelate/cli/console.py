"""Printing of results, for people and for programs.

Text of unknown origin is printed by these functions alone, because its control characters could
change what a terminal shows or does.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import typer

from tracelate.files import finite_or_none
from tracelate.printable import CONTROL, SURROGATE, printable, printable_line

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 250
"""Number of characters in a line if the output is not a terminal: no cell is cut or wrapped."""


def result_console() -> Console:
    """Returns a console on standard output."""
    from tracelate.cli.printable_console import PrintableConsole

    return PrintableConsole(highlight=False, width=None if sys.stdout.isatty() else WIDE)


def print_line(text: str, *, err: bool = False) -> None:
    """Prints one line, to standard error if `err`."""
    typer.echo(printable_line(text), err=err)


def print_translation(text: str) -> None:
    """Prints a line; to a file or another program exactly as it is, in UTF-8 as text is read."""
    # with color, typer does not remove escape sequences
    typer.echo(printable(text) if sys.stdout.isatty() else text.encode(), color=True)


def print_json(value: Any) -> None:
    """Prints a value as JSON, with null for a number that is NaN or infinite.

    On a terminal, control characters that JSON allows are escaped as well. Where the output's
    encoding is another than UTF-8, all characters but ASCII are escaped as JSON does it.
    """
    only_ascii = not (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    text = json.dumps(finite_or_none(value), ensure_ascii=only_ascii, indent=2, allow_nan=False)
    escaped = CONTROL if sys.stdout.isatty() else SURROGATE
    typer.echo(escaped.sub(lambda found: json.dumps(found[0])[1:-1], text))
