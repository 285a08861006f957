"""Tracing a model or a score back to its corpus: lineage."""

from __future__ import annotations

from typing import Annotated

import typer

from tracelate.cli.console import print_json, result_console
from tracelate.cli.options import REFERENCE_HELP
from tracelate.cli.signing_options import TrustedKeyOption

app = typer.Typer()


@app.command(epilog="Example: `tracelate lineage models:/tracelate@champion --verify`")
def lineage(
    reference: Annotated[str, typer.Argument(help=REFERENCE_HELP)],
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Check all files, scores, tags and params that can be reached."
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, with all hashes in full.")
    ] = False,
    trusted_key: TrustedKeyOption = None,
) -> None:
    """Print where a model comes from: its training, settings, data and corpus, with all hashes.

    With --verify, all files in this folder, in MLflow and in the cache are hashed again, the scores
    are computed again from the translations, MLflow's tags and params are compared with the
    lineage, and the model's signature is checked. If something differs, it is named, and the exit
    status is 1.
    """
    from tracelate.cli.lineage_tree import print_chain, print_checks
    from tracelate.lineage.chain import chain_document
    from tracelate.lineage.checks import refuse_failures
    from tracelate.lineage.trace import trace
    from tracelate.lineage.verify import verify as verify_trace
    from tracelate.signing.trust import read_trust
    from tracelate.tracking.references.references import resolve_with_servers

    traced = trace(resolve_with_servers(reference))
    checks = verify_trace(traced, read_trust(trusted_key or ())) if verify else None
    if as_json:
        document = chain_document(traced.chain, checks)
        print_json(document)
    else:
        print_chain(result_console(), traced.chain)
        print_checks(result_console(), checks or [])
    refuse_failures(checks or [])
