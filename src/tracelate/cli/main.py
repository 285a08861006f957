"""The `tracelate` command, for people: one file beside this for each group of commands.

Heavy libraries are imported by the command that needs them, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys

import typer

from tracelate.cli import comparing, lineage, looking, registry, serving, translating, upkeep
from tracelate.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Train, compare and ship attention-based translation models that can be traced.",
)
for group in (translating, serving, looking, comparing, registry, lineage, upkeep):
    app.add_typer(group.app)


def main() -> None:
    """Runs the command; what a user can mend is one line on standard error and status 1."""
    try:
        app()
    except InputError as error:
        typer.echo(f"error: {' '.join(str(error).split())}", err=True)
        raise SystemExit(1) from None
    except BrokenPipeError:
        # whoever read our output has had enough; Python would complain again when it flushes
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
