"""The socket on which a server listens."""

from __future__ import annotations

import socket

from tracelate.errors import InputError


def open_listener(host: str, port: int) -> socket.socket:
    """A socket of that address, taken before the model is loaded."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            f"port {port} of {host} cannot be had ({reason}): name another with --port or --host"
        ) from error
    return listener
