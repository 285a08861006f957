"""The process that writes to a run, recorded so that a dead process can be recognised."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import psutil

HOST, PID = "tracelate.host", "tracelate.pid"
STARTED = "tracelate.process_started"
"""Start of the process in seconds since 1970, because the system reuses process ids."""
PID_SPACE = "tracelate.pid_space"
"""Result of `pid_space`; runs of Tracelate 0.1 may lack it."""
CLOCK_TOLERANCE_S = 5.0
"""The start of a process moves by this much if the clock is set while it runs."""


def process_tags() -> dict[str, str]:
    """Returns the tags that identify this process."""
    process = psutil.Process()
    return {
        HOST: socket.gethostname(),
        PID: str(os.getpid()),
        STARTED: f"{process.create_time():.2f}",
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
        is_same = abs(process.create_time() - float(tags[STARTED])) < CLOCK_TOLERANCE_S
        return "alive" if is_same and process.status() != psutil.STATUS_ZOMBIE else "dead"
    except psutil.AccessDenied:
        return "alive"
    except psutil.NoSuchProcess:
        return "dead"
    except (KeyError, ValueError):
        return "unknown"
