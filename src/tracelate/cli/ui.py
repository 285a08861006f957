"""Opening MLflow's interface: ui."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tracelate.cli.console import print_line
from tracelate.config import load_params
from tracelate.tracking.store.runs_view import KEY as VIEW

if TYPE_CHECKING:
    from tracelate.tracking.store.store import Store

app = typer.Typer()
HOST = "127.0.0.1"
NO_JOBS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
"""MLflow otherwise starts four processes of 240 MB for jobs on traces of language models."""


@app.command(epilog="Example: `tracelate ui --open --port 5001`")
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 5000,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the page of this project's runs in a browser.")
    ] = False,
) -> None:
    """Start MLflow's interface for this project's runs, and print the address of their page."""
    from tracelate.serving.listener import open_listener
    from tracelate.tracking.store.address import shown_uri, tracking_uri
    from tracelate.tracking.store.store import connect_existing

    if tracking_uri().startswith(("http://", "https://")):
        page = f"{shown_uri().rstrip('/')}/{page_of_runs(connect_existing())}"
        print_line(f"the runs are on an MLflow server: open {page} in a browser")
        if open_browser:
            _open(page)
        return
    open_listener(HOST, port).close()  # MLflow ends with status 0 if another program has the port
    # MLflow's own command would end with a traceback if the store cannot be used
    page = f"http://{HOST}:{port}/{page_of_runs(connect_existing())}"
    print_line(f"open {page} in a browser; Ctrl-C ends the interface")
    sys.stdout.flush()
    if open_browser:
        _open(page)
    command = [sys.executable, "-m", "mlflow", "ui", "--host", HOST, "--port", str(port)]
    # not as an argument, because all users of the machine can read those
    environment = {**NO_JOBS, **os.environ, "MLFLOW_BACKEND_STORE_URI": tracking_uri()}
    os.execve(sys.executable, command, environment)


def page_of_runs(store: Store) -> str:
    """Returns the page with the table of the project's runs, below MLflow's address.

    MLflow opens with traces of language models, and without this address shows no runs.
    """
    page = "#/experiments/{}/runs?workflowType=machine_learning"
    experiment = store.runs.find_experiment(load_params().runtime.experiment)
    if experiment is None:
        return page.format(0)  # MLflow's own first experiment
    store.runs.set_view(experiment)
    return f"{page.format(experiment)}&viewStateShareKey={VIEW}"


def _open(page: str) -> None:
    """Opens the page once it answers, from a process of its own: this one becomes MLflow's."""
    subprocess.Popen([sys.executable, "-m", "tracelate.cli.browser", page])
