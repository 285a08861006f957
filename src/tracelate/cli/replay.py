"""Training a model again: replay."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from tracelate.cli.console import print_line, result_console
from tracelate.cli.options import REFERENCE_HELP
from tracelate.errors import InputError

app = typer.Typer()


@app.command(epilog="Example: `tracelate replay models:/en-es@champion`")
def replay(
    reference: Annotated[str, typer.Argument(help=REFERENCE_HELP)],
    keep: Annotated[
        Path | None,
        typer.Option(help="Folder in which the worktree is made and kept.", show_default="removed"),
    ] = None,
    allow_dirty: Annotated[
        bool,
        typer.Option("--allow-dirty", help="Replay also if files differed from the commit."),
    ] = False,
) -> None:
    """Train a model again, from its corpus on, and compare all results.

    The commit is checked out into a temporary folder, and every stage runs there with the settings
    of the run. Nothing is logged to the project's MLflow store. On the same kind of machine with
    the same number of threads, the weights are the same byte for byte. If something differs, it is
    named, and the exit status is 1.
    """
    from tracelate.cli.lineage_tree import print_checks
    from tracelate.lineage.checks import failed_checks
    from tracelate.lineage.replay import replay as replay_lineage
    from tracelate.lineage.trace import trace
    from tracelate.tracking.references.references import resolve_with_servers

    # as SystemExit, so that the temporary folder is removed
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    traced = trace(resolve_with_servers(reference))
    checks = replay_lineage(
        traced.lineage,
        traced.chain.metrics,
        root=traced.found.root,
        kept=keep,
        allow_dirty=allow_dirty,
    )
    print_checks(result_console(), checks)
    if keep is not None:
        print_line(f"kept: {keep}; `git worktree remove --force {keep}` removes it", err=True)
    if failed := failed_checks(checks):
        raise InputError(
            f"the replay of {reference} gave other results for "
            f"{', '.join(one.what for one in failed)}: look for the cause at the first of them, "
            "because later ones follow from it"
        )
