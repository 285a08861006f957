"""Printing the results of the pipeline: summary."""

from __future__ import annotations

import typer

from tracelate.cli.console import print_json
from tracelate.cli.options import JsonOption
from tracelate.config import load_params

app = typer.Typer()


@app.command(epilog="Example: `tracelate summary`, after `dvc repro`")
def summary(as_json: JsonOption = False) -> None:
    """Print the data, the model, its scores and some translations of the last run."""
    from tracelate.cli.summary_tables import print_summary, summary_document

    if as_json:
        print_json(summary_document())
    else:
        print_summary(load_params())
