"""Programs that this process starts, and stops when it ends itself."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

STOP_TIMEOUT_S = 20
"""Time that a program has to end after SIGTERM, before SIGKILL is sent."""
POLL_S = 0.2
"""Time between two looks at a program that is watched."""


def run_to_end(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    output: IO[str] | None = None,
    *,
    errors: IO[str] | None = None,
    has_to_stop: Callable[[], bool] | None = None,
) -> int:
    """Runs a program in `folder` and returns its exit status, which a signal makes negative.

    `output` and `errors` take its standard output and standard error instead of this process's own.
    If this process is stopped meanwhile, or `has_to_stop`, which is called every POLL_S, returns
    True, the program and all that it started are stopped too.
    """
    # in a session of its own, so that all its processes can be stopped together
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=output, stderr=errors, start_new_session=True
    )
    try:
        if has_to_stop is None:
            return process.wait()
        while True:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(POLL_S)
            if has_to_stop():
                _stop(process)
    except BaseException:
        _stop(process)
        raise


def _stop(process: subprocess.Popen[bytes]) -> None:
    for sent in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sent)
            process.wait(timeout=STOP_TIMEOUT_S)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
