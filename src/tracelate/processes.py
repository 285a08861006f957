"""The processes of a program, and programs that this process starts and stops."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from tracelate.errors import InputError

RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID")
"""Environment variables with the number of a process or of its machine, from 0."""
RESTARTS, SHARED_STORE = "TORCHELASTIC_MAX_RESTARTS", "TORCHELASTIC_USE_AGENT_STORE"
"""Environment variables that torchrun sets."""
OWN_STORE = "TORCH_DISABLE_SHARE_RDZV_TCP_STORE"
"""Environment variable of torchrun with which each start of the processes has a store of its own.
"""
STOP_TIMEOUT_S = 20
"""Time that a program has to end after SIGTERM, before SIGKILL is sent."""
POLL_S = 0.2
"""Time between two looks at a program that is watched."""


def is_first_process() -> bool:
    """Returns True in the process that writes files and tracks the run.

    Of several machines, it is the first process of the first one. torchrun, SLURM and Lightning
    each set some of the variables of RANKS.
    """
    return all(int(os.environ.get(name) or 0) == 0 for name in RANKS)


def refuse_unsafe_restarts(environment: Mapping[str, str] = os.environ) -> None:
    """Raises InputError if torchrun would restart processes with what the dead ones have written.

    By default it keeps one store for all starts, from which restarted processes read the addresses
    of those before, and fail or wait for ever.
    """
    restarts = int(environment.get(RESTARTS) or 0)
    if restarts > 0 and environment.get(SHARED_STORE) == str(True):
        raise InputError(
            f"torchrun with --max-restarts {restarts} cannot restart processes that share its "
            f"store: set the environment variable {OWN_STORE} to 1 for it, or use --max-restarts 0"
        )


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
