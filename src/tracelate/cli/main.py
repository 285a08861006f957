"""The `tracelate` command; each of its commands has a file of its own in this folder.

Heavy libraries are imported inside the commands that need them, so that `--help` is fast.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer

from tracelate.cli import (
    bom,
    checkpoints,
    compare,
    doctor,
    evaluate,
    history,
    inspect,
    keys,
    lineage,
    promote,
    recall,
    replay,
    rollback,
    runs,
    score,
    seeds,
    serve,
    smoke,
    summary,
    sweep,
    sync,
    translate,
    ui,
    verify_receipt,
)
from tracelate.cli.console import print_line
from tracelate.cli.printable_errors import PrintableGroup
from tracelate.credentials import hide_credentials_in_tracebacks, without_credentials
from tracelate.errors import InputError, describe_os_error
from tracelate.home import name_home
from tracelate.printable import escape_what_cannot_be_encoded
from tracelate.telemetry import turn_off_telemetry
from tracelate.version import VERSION

name_home()
turn_off_telemetry()

app = typer.Typer(
    cls=PrintableGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
    help="Train, compare and ship attention-based translation models that can be traced.",
)
for command in (
    smoke,
    sweep,
    translate,
    serve,
    summary,
    inspect,
    ui,
    evaluate,
    score,
    compare,
    runs,
    seeds,
    promote,
    rollback,
    history,
    lineage,
    bom,
    recall,
    replay,
    keys,
    verify_receipt,
    sync,
    checkpoints,
    doctor,
):
    app.add_typer(command.app)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"tracelate {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Declares the options of `tracelate` itself."""


def main() -> None:
    """Runs the command; prints an error that the user can fix in one line, with status 1."""
    escape_what_cannot_be_encoded()
    try:
        with _reporting_failures():
            app()
    except InputError as error:
        _end(str(error))
    except BrokenPipeError:
        _drop_output()  # the reader has closed it
    except OSError as error:
        _end(describe_os_error(error))
    except Exception:
        hide_credentials_in_tracebacks()  # here, since Typer sets a hook of its own before
        raise


@contextmanager
def _reporting_failures() -> Iterator[None]:
    """Turns an exception of MLflow's into an InputError; MLflow is imported only for that."""
    try:
        yield
    except (InputError, OSError):
        raise
    except Exception:
        from tracelate.tracking.store.failures import reporting_failures

        with reporting_failures():
            raise


def _end(message: str) -> NoReturn:
    print_line(f"error: {' '.join(without_credentials(message).split())}", err=True)
    try:
        sys.stdout.flush()
    except OSError:
        _drop_output()
    raise SystemExit(1) from None


def _drop_output() -> None:
    """Lets what cannot be written be lost; Python would report it again when it flushes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
