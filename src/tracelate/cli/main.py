"""The `tracelate` command, for people: one file beside this for each command.

Heavy libraries are imported by the command that needs them, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from tracelate.cli import (
    compare,
    doctor,
    history,
    lineage,
    promote,
    replay,
    rollback,
    runs,
    seeds,
    serve,
    summary,
    sync,
    translate,
    ui,
)
from tracelate.errors import InputError, without_credentials

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Train, compare and ship attention-based translation models that can be traced.",
)
for command in (
    translate,
    serve,
    summary,
    ui,
    compare,
    runs,
    seeds,
    promote,
    rollback,
    history,
    lineage,
    replay,
    sync,
    doctor,
):
    app.add_typer(command.app)


def main() -> None:
    """Runs the command; prints an error that the user can fix in one line, with status 1."""
    try:
        with _reporting_failures():
            app()
    except InputError as error:
        _end(str(error))
    except BrokenPipeError:
        # whoever read our output has had enough; Python would complain again when it flushes
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        _end(_described(error))


@contextmanager
def _reporting_failures() -> Iterator[None]:
    """Turns what MLflow raises into an InputError. Loads MLflow only where something failed."""
    try:
        yield
    except (InputError, OSError):
        raise
    except Exception:
        from tracelate.tracking.failures import reporting_failures

        with reporting_failures():
            raise


def _described(error: OSError) -> str:
    paths = [str(path) for path in (error.filename, error.filename2) if path is not None]
    if not paths:
        return str(error)
    return (
        f"{' or '.join(paths)} cannot be used ({error.strerror or error}): name another path, or "
        "put this one right"
    )


def _end(message: str) -> NoReturn:
    typer.echo(f"error: {' '.join(without_credentials(message).split())}", err=True)
    raise SystemExit(1) from None


if __name__ == "__main__":
    main()
