"""Looking at what the pipeline made: summary and ui."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

app = typer.Typer()


@app.command(epilog="Example: `tracelate ui --port 5001`")
def ui(port: Annotated[int, typer.Option(help="On localhost.")] = 5000) -> None:
    """Open MLflow's interface on this project's runs; of a server, say where it has its own."""
    from tracelate.tracking.address import shown_uri, tracking_uri
    from tracelate.tracking.store import connect

    if tracking_uri().startswith(("http://", "https://")):
        typer.echo(f"an MLflow server has these runs: open {shown_uri()} in a browser")
        return
    connect()  # a store that cannot be used is one line from us, and a traceback from MLflow
    command = [sys.executable, "-m", "mlflow", "ui", "--host", "127.0.0.1", "--port", str(port)]
    # not among the arguments, which everyone on the machine can read
    environment = {**os.environ, "MLFLOW_BACKEND_STORE_URI": tracking_uri()}
    os.execve(sys.executable, command, environment)
