"""Where a score or a model comes from: lineage."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from tracelate.cli.console import result_console
from tracelate.cli.options import REFERENCE_HELP

app = typer.Typer()


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
    from tracelate.cli.lineage_tree import print_chain, print_checks
    from tracelate.lineage.chain import chain_document
    from tracelate.lineage.checks import refuse_failures
    from tracelate.lineage.trace import trace
    from tracelate.lineage.verify import verify as verify_trace

    traced = trace(reference)
    checks = verify_trace(traced) if verify else None
    if as_json:
        document = chain_document(traced.chain, checks)
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        print_chain(result_console(), traced.chain)
        print_checks(result_console(), checks or [])
    refuse_failures(checks or [])
