"""Takes screenshots of MLflow's interface; docs/registry.md shows three of them.

    python docs/registry_screenshots.py [FOLDER]

It starts `tracelate ui` with the runs of this project, opens its pages in headless Chromium, and
writes PNG files to FOLDER (docs/registry). There must be two runs and a registered model, which
docs/registry_walk.sh makes.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tracelate.config import load_params
from tracelate.errors import InputError
from tracelate.files import whole_file

SIZE = "2000,1200"
START_S = 300
PAGE_MS = 60_000
"""Time limit for drawing a page, in the browser's virtual time."""


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/registry")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise InputError("chromium is missing: install it, as with apt-get install chromium")
    with interface() as address:
        for name, page in pages(address).items():
            screenshot(browser, f"{address}/#/{page}", folder / f"{name}.png")
            sys.stdout.write(f"{folder / name}.png\n")


@contextmanager
def interface() -> Iterator[str]:
    """Starts MLflow's interface, yields its address, and stops it when the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tracelate.cli.main", "ui", "--port", str(port)]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline_s = time.monotonic() + START_S
        while not answers(address):
            if server.poll() is not None or time.monotonic() > deadline_s:
                raise InputError(f"`{' '.join(command)}` does not answer: run it by hand")
            time.sleep(0.5)
        yield address
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def answers(address: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"{address}/health", timeout=5):
        return True
    return False


def pages(address: str) -> dict[str, str]:
    """Returns the page of the interface for each screenshot, by the screenshot's name."""
    registry = load_params().registry
    name = load_params().runtime.experiment
    experiment = ask(address, f"experiments/get-by-name?experiment_name={quote(name)}")
    number = experiment["experiment"]["experiment_id"]
    found = ask(address, "runs/search", {"experiment_ids": [number], "max_results": 2})
    runs = [run["info"]["run_id"] for run in found.get("runs", [])]
    if len(runs) < 2:
        raise InputError(f"experiment {name} has {len(runs)} runs: run docs/registry_walk.sh first")
    champion = ask(address, f"registered-models/alias?name={quote(registry.name)}&alias=champion")
    version = champion["model_version"]["version"]
    compared = f"runs={quote(json.dumps(runs))}&experiments={quote(json.dumps([number]))}"
    return {
        "runs": f"experiments/{number}/runs",
        "charts": f"experiments/{number}/runs?compareRunsMode=CHART",
        "comparison": f"compare-runs?{compared}",
        "pictures": f"experiments/{number}/runs/{runs[0]}/artifacts/figures/attention_1.png",
        "model": f"models/{quote(registry.name)}",
        "champion": f"models/{quote(registry.name)}/versions/{version}",
    }


def ask(address: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns the answer of MLflow's REST interface."""
    request = urllib.request.Request(
        f"{address}/api/2.0/mlflow/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        document: dict[str, Any] = json.load(answer)
    return document


def screenshot(browser: str, address: str, path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        taken = Path(folder) / path.name  # the browser chooses the format by the extension
        subprocess.run(
            [
                browser,
                "--headless=new",
                "--no-sandbox",
                "--hide-scrollbars",
                f"--user-data-dir={folder}/profile",
                f"--window-size={SIZE}",
                f"--virtual-time-budget={PAGE_MS}",
                f"--screenshot={taken}",
                address,
            ],
            check=True,
            capture_output=True,
            timeout=180,
        )
        with whole_file(path) as temporary:
            shutil.copyfile(taken, temporary)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1)
