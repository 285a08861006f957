"""Which process writes to a run, so that a run whose process has died can be told."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import psutil

HOST, PID, STARTED = "tracelate.host", "tracelate.pid", "tracelate.process_started"
"""Tags of a run; the last in seconds since 1970, since a pid is given again."""
PID_SPACE = "tracelate.pid_space"
"""Another one, see `pid_space`; older runs do not have it."""
SAME_START_S = 5.0
"""Clocks are set while a process runs."""


def process_tags() -> dict[str, str]:
    """This process, for others to look for."""
    process = psutil.Process()
    return {
        HOST: socket.gethostname(),
        PID: str(os.getpid()),
        STARTED: f"{process.create_time():.2f}",
        PID_SPACE: pid_space(),
    }


def pid_space() -> str:
    """Within which a pid names one process: this boot's container. Empty where none can say.

    A host's name does not tell: containers, on one machine or many, may all have the same.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux
        return ""


def state_of(tags: Mapping[str, str]) -> Literal["alive", "dead", "unknown"]:
    """Of the process that `process_tags` named; unknown on another machine or in another container,
    and after this machine was started anew.
    """
    if tags.get(HOST) != socket.gethostname() or tags.get(PID_SPACE, "") not in ("", pid_space()):
        return "unknown"
    try:
        process = psutil.Process(int(tags[PID]))
        is_same = abs(process.create_time() - float(tags[STARTED])) < SAME_START_S
        return "alive" if is_same and process.status() != psutil.STATUS_ZOMBIE else "dead"
    except psutil.AccessDenied:
        return "alive"
    except psutil.NoSuchProcess:
        return "dead"
    except (KeyError, ValueError):
        return "unknown"
