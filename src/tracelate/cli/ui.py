"""Opening MLflow's interface: ui."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from tracelate.cli.console import print_line

app = typer.Typer()


@app.command(epilog="Example: `tracelate ui --port 5001`")
def ui(port: Annotated[int, typer.Option(help="Port on this machine.")] = 5000) -> None:
    """Start MLflow's interface for this project's runs, or print its address on a server."""
    from tracelate.tracking.store.address import shown_uri, tracking_uri
    from tracelate.tracking.store.store import connect

    if tracking_uri().startswith(("http://", "https://")):
        print_line(f"the runs are on an MLflow server: open {shown_uri()} in a browser")
        return
    connect()  # MLflow's own command would end with a traceback if the store cannot be used
    command = [sys.executable, "-m", "mlflow", "ui", "--host", "127.0.0.1", "--port", str(port)]
    # not as an argument, because all users of the machine can read those
    environment = {**os.environ, "MLFLOW_BACKEND_STORE_URI": tracking_uri()}
    os.execve(sys.executable, command, environment)
