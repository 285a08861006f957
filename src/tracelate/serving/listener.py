"""The socket on which a server listens."""

from __future__ import annotations

import socket
from typing import Any

from tracelate.errors import InputError

BUFFER_BYTES = 2**17
"""Of a connection in the kernel, in each direction, which Linux doubles. By itself it grows them to
some megabytes for a client that sends requests and reads no answers."""


def open_listener(host: str, port: int) -> socket.socket:
    """A socket that listens on that address, taken before the model is loaded.

    Clients that connect meanwhile wait. Raises InputError if the address cannot be used, for
    example because another server has it.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return _listening_socket(family, address)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            f"port {port} of {host} cannot be had ({reason}): name another with --port or --host"
        ) from error


def _listening_socket(family: int, address: Any) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # a port can be used again at once after its server has ended
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # connections have them from the listener
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        listener.bind(address)
        # with SO_REUSEADDR, others can bind to the address until one of them listens
        listener.listen()
    except BaseException:
        listener.close()
        raise
    return listener
