"""Looking at what the pipeline made: summary and ui."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from tracelate.config import load_params

app = typer.Typer()


@app.command(epilog="Example: `tracelate summary`, after `dvc repro`")
def summary() -> None:
    """Say what was trained on what, how good it is, and what to try next."""
    from tracelate.evaluation.summary import print_summary

    print_summary(load_params())


@app.command(epilog="Example: `tracelate ui --port 5001`")
def ui(port: Annotated[int, typer.Option(help="On localhost.")] = 5000) -> None:
    """Open MLflow's interface on this project's runs."""
    from tracelate.tracking.store import tracking_uri

    address = ["--backend-store-uri", tracking_uri(), "--host", "127.0.0.1", "--port", str(port)]
    os.execvp(sys.executable, [sys.executable, "-m", "mlflow", "ui", *address])
