"""A local HTTP server whose answers a test decides, each by a function."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Request(NamedTuple):
    """A request that the server has received."""

    path: str
    headers: dict[str, str]

    @property
    def begin(self) -> int:
        """First byte that was asked for."""
        return int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))


Answer = Callable[[BaseHTTPRequestHandler, Request, int], None]
"""Answers a request, whose number counts from 0."""


class FileServer:
    def __init__(self, address: str) -> None:
        self.address = address
        self.requests: list[Request] = []
        self.answer: Answer = send(b"")


@contextmanager
def file_server() -> Iterator[FileServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            request = Request(self.path, dict(self.headers.items()))
            served.requests.append(request)
            self.close_connection = True
            with suppress(BrokenPipeError, ConnectionResetError):  # the client has gone
                served.answer(self, request, len(served.requests) - 1)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = FileServer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def head(handler: BaseHTTPRequestHandler, status: int, **headers: object) -> None:
    """Sends the head of an answer; `_` in a name is `-`."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), str(value))
    handler.send_header("Connection", "close")
    handler.end_headers()


def send(content: bytes, *, tag: str = '"one"', break_after: int | None = None) -> Answer:
    """Returns an answer that follows Range. With `break_after`, no answer sends more bytes."""

    def answer(handler: BaseHTTPRequestHandler, request: Request, number: int) -> None:
        begin = request.begin if request.headers.get("If-Range", tag) == tag else 0
        if begin and begin >= len(content):
            head(handler, 416, Content_Range=f"bytes */{len(content)}", Content_Length=0)
            return
        rest = content[begin:]
        length = {"Content_Length": len(rest), "ETag": tag}
        if "Range" in request.headers and begin:
            last = len(content) - 1
            head(handler, 206, Content_Range=f"bytes {begin}-{last}/{len(content)}", **length)
        else:
            head(handler, 200, **length)
        handler.wfile.write(rest[:break_after])

    return answer
