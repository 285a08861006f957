"""Printing a model's bill of materials: bom."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tracelate.cli.console import print_json, print_line
from tracelate.cli.options import REFERENCE_HELP

app = typer.Typer()


@app.command(epilog="Example: `tracelate bom models:/tracelate@champion --output bom.cdx.json`")
def bom(
    reference: Annotated[str, typer.Argument(help=REFERENCE_HELP)],
    output: Annotated[
        Path | None, typer.Option(help="File to write. Default: standard output.")
    ] = None,
) -> None:
    """Print a model's bill of materials, in CycloneDX's JSON.

    It has the model with its architecture, scores and commit; the corpus with licence and hashes;
    the model's files; and the libraries that translating needs, with their licences. `promote`
    stores the same with each version.
    """
    from tracelate.files import write_json
    from tracelate.lineage.trace import trace
    from tracelate.lineage.trace_materials import materials_of
    from tracelate.tracking.references.references import resolve_with_servers

    document = materials_of(trace(resolve_with_servers(reference)))
    if output is None:
        print_json(document)
    else:
        write_json(output, document)
        print_line(f"{output} has the bill of materials of {reference}")
