"""The process that writes to a run, recorded so that a dead process can be recognised."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import psutil

HOST, PID = "tracelate.host", "tracelate.pid"
STARTED = "tracelate.process_started"
"""Start of the process, because the system reuses process ids: a number of TICKS, or seconds since
1970 where the system does not give it, and in runs of Tracelate 0.1.
"""
TICKS = " ticks after boot"
"""End of a start that does not change if the clock is set."""
PID_SPACE = "tracelate.pid_space"
"""Result of `pid_space`; runs of Tracelate 0.1 may lack it."""
CLOCK_TOLERANCE_S = 5.0
"""The start of a process in seconds since 1970 moves by this much if the clock is set."""


def process_tags() -> dict[str, str]:
    """Returns the tags that identify this process."""
    process = psutil.Process()
    in_boot = _start_in_boot(process.pid) if pid_space() else None
    return {
        HOST: socket.gethostname(),
        PID: str(process.pid),
        STARTED: in_boot or f"{process.create_time():.2f}",
        PID_SPACE: pid_space(),
    }


def user_name() -> str:
    """Returns the name of the user who runs this process, or "unknown"."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # the user of a container may have no name
        return "unknown"


def pid_space() -> str:
    """Returns the name of the space in which process ids are unique, or "" if it is not known.

    It is one container in one boot of the machine. The host's name is not enough: several
    containers may have the same one.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux
        return ""


def state_of(tags: Mapping[str, str]) -> Literal["alive", "dead", "unknown"]:
    """Returns the state of the process that `process_tags` identified.

    It is unknown on another machine, in another container, and after the machine was restarted.
    """
    if tags.get(HOST) != socket.gethostname() or tags.get(PID_SPACE, "") not in ("", pid_space()):
        return "unknown"
    try:
        process = psutil.Process(int(tags[PID]))
        is_same = _has_started(process, tags[STARTED])
        return "alive" if is_same and process.status() != psutil.STATUS_ZOMBIE else "dead"
    except psutil.AccessDenied:
        return "alive"
    except psutil.NoSuchProcess:
        return "dead"
    except (KeyError, ValueError):
        return "unknown"


def _has_started(process: psutil.Process, started: str) -> bool:
    if started.endswith(TICKS):
        return _start_in_boot(process.pid) in (started, None)
    return bool(abs(process.create_time() - float(started)) < CLOCK_TOLERANCE_S)


def _start_in_boot(pid: int) -> str | None:
    """Returns the start of a process since the machine's, or None if the system hides it."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # after the program's name in brackets, which may have blanks, as proc_pid_stat(5) numbers them
    return fields.rpartition(")")[2].split()[22 - 3] + TICKS
