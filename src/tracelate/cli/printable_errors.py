"""Errors of Typer's own, such as an unknown option, without control characters of arguments."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperGroup

from tracelate.printable import printable_line


class PrintableGroup(TyperGroup):
    """A group of commands whose errors of usage quote arguments with escapes."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Reads the arguments of the group."""
        with _printable_errors():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Reads the arguments of the command, and calls it."""
        with _printable_errors():
            return super().invoke(ctx)


@contextmanager
def _printable_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # click's exceptions with a message; Typer has them in a private copy of click
        if format_message := getattr(error, "format_message", None):
            message = printable_line(format_message())
            error.format_message = lambda: message  # type: ignore[attr-defined]
        raise
