"""Which process writes to a run, so that a run whose process has died can be told."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Literal

import psutil

HOST, PID, STARTED = "tracelate.host", "tracelate.pid", "tracelate.process_started"
"""Tags of a run; the last in seconds since 1970, since a pid is given again."""
SAME_START_S = 5.0
"""Clocks are set while a process runs."""


def process_tags() -> dict[str, str]:
    """This process, for others to look for."""
    process = psutil.Process()
    return {
        HOST: socket.gethostname(),
        PID: str(os.getpid()),
        STARTED: f"{process.create_time():.2f}",
    }


def state_of(tags: Mapping[str, str]) -> Literal["alive", "dead", "unknown"]:
    """Of the process that `process_tags` named; unknown on another machine."""
    if tags.get(HOST) != socket.gethostname():
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
