"""The result of the pipeline in words: summary."""

from __future__ import annotations

import typer

from tracelate.config import load_params

app = typer.Typer()


@app.command(epilog="Example: `tracelate summary`, after `dvc repro`")
def summary() -> None:
    """Say what was trained on what, how good it is, and what to try next."""
    from tracelate.cli.summary_tables import print_summary

    print_summary(load_params())
