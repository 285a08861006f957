"""The socket on which a server listens."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest

from tracelate.errors import InputError
from tracelate.serving.listener import open_listener


def test_a_client_that_reads_nothing_occupies_little_memory_of_the_kernel() -> None:
    with (
        open_listener("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
        suppress(TimeoutError),
    ):
        accepted.settimeout(0.5)
        sent_bytes = 0
        while True:
            sent_bytes += accepted.send(bytes(2**14))
    assert sent_bytes < 1_000_000


def test_an_address_is_taken_before_the_model_is_loaded() -> None:
    with open_listener("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        for host in ("127.0.0.1", "0.0.0.0"):
            with pytest.raises(InputError, match=rf"port {port} of {host} cannot be had \(Address"):
                open_listener(host, port)


def test_a_port_can_be_used_again_at_once() -> None:
    with open_listener("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            first.accept()[0].close()
    open_listener("127.0.0.1", port).close()


def test_an_address_that_does_not_exist_is_one_line() -> None:
    with pytest.raises(InputError, match=r"^port 5001 of no\.such\.host\.invalid cannot be"):
        open_listener("no.such.host.invalid", 5001)
