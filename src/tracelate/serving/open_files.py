"""Connections that a process may have, of which each is an open file."""

from __future__ import annotations

import asyncio
import errno
import resource
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import psutil

from tracelate.errors import InputError

MOST_CONNECTIONS = 512
FEWEST_CONNECTIONS = 8
MOST_BACKLOG = 128
REPORT_EVERY_S = 60.0
OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class ConnectionLimits(NamedTuple):
    connections: int
    backlog: int
    """Connections that the kernel accepts before the process does, and the process at once."""


def connection_limits() -> ConnectionLimits:
    """Half of the files that this process may still open, so that accepting never fails.

    Accepting goes beyond the limit by a backlog at most, a quarter of those files, before
    connections are closed. Raises InputError if too few are left.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return ConnectionLimits(MOST_CONNECTIONS, MOST_BACKLOG)
    free = limit - psutil.Process().num_fds()
    if free // 2 < FEWEST_CONNECTIONS:
        raise InputError(
            f"this process may open {limit} files, which is too few for a server: raise the limit "
            "with ulimit -n"
        )
    return ConnectionLimits(min(free // 2, MOST_CONNECTIONS), min(free // 4, MOST_BACKLOG))


class AcceptErrors:
    """Handler of an event loop that reports failures to accept a connection once a minute.

    asyncio itself writes a traceback for each, and tries again as often as the backlog is long.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self.say = say
        self.silent_until_s = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in OUT_OF_FILES:
            loop.default_exception_handler(context)
        elif time.monotonic() >= self.silent_until_s:
            self.silent_until_s = time.monotonic() + REPORT_EVERY_S
            self.say(
                f"warning: a connection could not be accepted ({error.strerror}): raise the limit "
                "of open files with ulimit -n"
            )
