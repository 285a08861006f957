"""Where a score or a model comes from: lineage and replay."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from tracelate.cli.console import result_console
from tracelate.errors import InputError

app = typer.Typer()
REFERENCE_HELP = (
    "models:/NAME@alias, models:/NAME/3, a run (its id, 6 or more characters of it, or its name), "
    "a file or folder such as models, or a served model's address."
)


@app.command(epilog="Example: `tracelate lineage models:/en-es@champion --verify`")
def lineage(
    reference: Annotated[str, typer.Argument(help=REFERENCE_HELP)],
    verify: Annotated[
        bool, typer.Option("--verify", help="Hash again all that can be reached.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With all hashes in full.")] = False,
) -> None:
    """Say where a model comes from, from its weights to the corpus.

    With --verify, every file is hashed again, in this folder, in MLflow and in the cache; scores
    are computed again from the translations, and MLflow's tags and params held against them. What
    differs is named, and the status is 1.
    """
    from tracelate.evaluation.chain import chain_document, print_chain, print_checks
    from tracelate.evaluation.verification import refuse_failures
    from tracelate.tracking.tracing import trace
    from tracelate.tracking.verifying import verify as verify_trace

    traced = trace(reference)
    checks = verify_trace(traced) if verify else None
    if as_json:
        document = chain_document(traced.chain, checks)
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        print_chain(result_console(), traced.chain)
        print_checks(result_console(), checks or [])
    refuse_failures(checks or [])


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
    from tracelate.evaluation.chain import print_checks
    from tracelate.evaluation.verification import failures
    from tracelate.tracking.replay import replay as replay_lineage
    from tracelate.tracking.tracing import trace

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
