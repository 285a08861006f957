"""The socket on which a server listens."""

from __future__ import annotations

import socket

from tracelate.errors import InputError

BUFFER_BYTES = 2**17
"""Of a connection in the kernel, in each direction, which Linux doubles. By itself it grows them to
some megabytes for a client that sends requests and reads no answers."""


def open_listener(host: str, port: int) -> socket.socket:
    """A socket of that address, taken before the model is loaded."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # connections have them from the listener
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        listener.bind(address)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            f"port {port} of {host} cannot be had ({reason}): name another with --port or --host"
        ) from error
    return listener
