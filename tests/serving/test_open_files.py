"""Connections as open files of the process."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tracelate.errors import InputError
from tracelate.serving.open_files import AcceptErrors, connection_limits


@pytest.fixture(autouse=True)
def restored_limit() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def leave_files(free: int) -> None:
    """Lets this process open that many more files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = psutil.Process().num_fds()
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + free, hard))


@pytest.mark.parametrize("free", [16, 100, 600, 1000, 1500])
def test_all_connections_and_those_that_are_accepted_before_one_is_closed_can_be_opened(
    free: int,
) -> None:
    leave_files(free)
    limits = connection_limits()
    assert 8 <= limits.connections <= 512
    assert 1 <= limits.backlog <= 128
    assert limits.connections + limits.backlog <= 0.75 * free


def test_too_few_files_are_refused_with_the_remedy() -> None:
    leave_files(15)
    with pytest.raises(InputError, match="too few for a server: raise the limit with ulimit -n"):
        connection_limits()


class Loop(asyncio.SelectorEventLoop):
    """Records what is handled by default."""

    def __init__(self) -> None:
        super().__init__()
        self.by_default: list[object] = []

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        self.by_default.append(context)


def test_failures_to_accept_are_reported_in_one_line_and_other_errors_as_ever() -> None:
    lines: list[str] = []
    handler = AcceptErrors(lines.append)
    loop = Loop()
    for number in (errno.EMFILE, errno.ENFILE, errno.EMFILE):
        handler(loop, {"exception": OSError(number, os.strerror(number))})
    other = {"exception": OSError(errno.EBADF, "bad")}
    handler(loop, other)
    loop.close()
    assert lines == [
        "warning: a connection could not be accepted (Too many open files): raise the limit of "
        "open files with ulimit -n"
    ]
    assert loop.by_default == [other]


SERVER_WITHOUT_FILES = """
import asyncio, resource, socket
from tracelate.serving.open_files import AcceptErrors

async def main():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(AcceptErrors(lambda line: print(line, flush=True)))
    listener = socket.create_server(("127.0.0.1", 0))
    server = await loop.create_server(asyncio.Protocol, sock=listener, backlog=100)
    clients = [socket.socket() for _ in range(20)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (listener.fileno() + 1, 4096))
    for client in clients:
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
    await asyncio.sleep(0.3)

asyncio.run(main())
"""


def test_a_server_without_free_files_writes_no_tracebacks() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVER_WITHOUT_FILES],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1
