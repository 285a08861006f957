"""The socket on which a server listens."""

from __future__ import annotations

import socket
from contextlib import suppress

from tracelate.serving.listener import open_listener


def test_a_client_that_reads_nothing_occupies_little_memory_of_the_kernel() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        listener.listen()
        with (
            socket.create_connection(listener.getsockname()),
            listener.accept()[0] as accepted,
            suppress(TimeoutError),
        ):
            accepted.settimeout(0.5)
            sent_bytes = 0
            while True:
                sent_bytes += accepted.send(bytes(2**14))
    assert sent_bytes < 1_000_000
