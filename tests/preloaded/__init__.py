"""Commands whose processes are forked from one that has imported the libraries.

Importing torch, Lightning and MLflow takes most of a stage's time on the tiny corpus. A test that
puts `commands()` first on PATH starts `python`, `dvc` and `tracelate` without that time: each is a
process of its own, with the code of the project that it is started in. What is tested of the start
of a process, such as its environment, needs the commands of the virtual environment.
"""

from __future__ import annotations

import atexit
import functools
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NAMES = ("python", "dvc", "tracelate")
_HERE = Path(__file__).parent


@functools.cache
def commands() -> Path:
    """Returns a folder with the commands NAMES; their server ends with this process."""
    scratch = tempfile.TemporaryDirectory(prefix="tracelate-tests-")
    folder = Path(scratch.name)
    virtual = Path(sys.executable).parent
    address = folder / "server"
    for name in NAMES:
        words = (sys.executable, "-ISE", _HERE / "client.py", address, virtual / name)
        line = " ".join(shlex.quote(str(word)) for word in words)
        (folder / name).write_text(f'#!/bin/sh\nexec {line} "$@"\n', encoding="utf-8")
        (folder / name).chmod(0o700)
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    server = subprocess.Popen(
        [sys.executable, "-P", _HERE / "server.py", address, folder / "python"],
        env=environment,
        stdin=subprocess.PIPE,  # its end is the end of this process
        start_new_session=True,
    )

    def end() -> None:
        server.kill()
        server.wait()
        scratch.cleanup()

    atexit.register(end)
    while not address.exists() and server.poll() is None:
        time.sleep(0.05)
    return folder


def python() -> str:
    """Returns the path of the command `python`, for tests in place of sys.executable."""
    return str(commands() / "python")
