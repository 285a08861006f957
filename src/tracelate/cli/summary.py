"""Printing the results of the pipeline: summary."""

from __future__ import annotations

import typer

from tracelate.config import load_params

app = typer.Typer()


@app.command(epilog="Example: `tracelate summary`, after `dvc repro`")
def summary() -> None:
    """Print the data, the model, its scores and some translations of the last run."""
    from tracelate.cli.summary_tables import print_summary

    print_summary(load_params())
