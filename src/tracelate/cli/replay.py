"""Making a model again: replay."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from tracelate.cli.console import result_console
from tracelate.cli.options import REFERENCE_HELP
from tracelate.errors import InputError

app = typer.Typer()


@app.command(epilog="Example: `tracelate replay models:/en-es@champion`")
def replay(
    reference: Annotated[str, typer.Argument(help=REFERENCE_HELP)],
    keep: Annotated[
        Path | None,
        typer.Option(help="New folder for the worktree, which then stays.", show_default="removed"),
    ] = None,
    allow_dirty: Annotated[
        bool,
        typer.Option("--allow-dirty", help="Also where the commit is not all of the code."),
    ] = False,
) -> None:
    """Make a model again, from its corpus on, and say whether it is the same.

    The commit is checked out in a temporary folder and every stage runs there, with the settings
    of the run; MLflow gets nothing of it. Weights are the same byte for byte on the same kind of
    machine with as many threads. What differs is named, and the status is 1.
    """
    from tracelate.cli.lineage_tree import print_checks
    from tracelate.lineage.checks import failures
    from tracelate.lineage.replay import replay as replay_lineage
    from tracelate.lineage.trace import trace

    # so that the folder is removed then too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    traced = trace(reference)
    checks = replay_lineage(
        traced.lineage,
        traced.chain.metrics,
        root=traced.found.root,
        kept=keep,
        allow_dirty=allow_dirty,
    )
    print_checks(result_console(), checks)
    if keep is not None:
        typer.echo(f"kept: {keep}; `git worktree remove --force {keep}` removes it", err=True)
    if wrong := failures(checks):
        raise InputError(
            f"the replay of {reference} gave another {', '.join(one.what for one in wrong)}: the "
            "first of them says where it began"
        )
