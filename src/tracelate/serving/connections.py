"""Connections of clients, each of which ends in a known time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from tracelate.serving.limits import Limits


class Kept:
    """The connections of a server by the addresses of their clients."""

    def __init__(self) -> None:
        self._by_client: dict[str, dict[Connection, None]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Connection]:
        """Yields those of the client with most first, and of a client the longest waiting first."""
        for connections in sorted(self._by_client.values(), key=len, reverse=True):
            yield from connections

    def add(self, connection: Connection) -> None:
        """Adds a connection that is not there, which waits for a request from now on."""
        self._by_client.setdefault(connection.client_address, {})[connection] = None
        self._count += 1

    def remove(self, connection: Connection) -> None:
        of_client = self._by_client.get(connection.client_address, {})
        if connection not in of_client:
            return
        del of_client[connection]
        self._count -= 1
        if not of_client:
            del self._by_client[connection.client_address]


class Connection(H11Protocol):
    """HTTP on which no client can hold a connection that another one needs.

    uvicorn itself waits without end for the first head, for each byte of one that has begun, and
    for a client that does not read, and keeps the connections beyond its limit open.
    """

    limits: Limits
    most: int
    kept: Kept
    head_timer: asyncio.TimerHandle | None = None
    write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        # at 0, writing is paused exactly while there is something that the client has not taken
        transport.set_write_buffer_limits(high=0)
        self._make_room()
        self._wait_for_head()

    def on_response_complete(self) -> None:
        self._wait_for_head()
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        # closing would wait for the client, too
        self.write_timer = self.loop.call_later(self.limits.write_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        _cancel(self.write_timer)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.kept.remove(self)
        _cancel(self.head_timer)
        _cancel(self.write_timer)

    @property
    def client_address(self) -> str:
        return self.client[0] if self.client else ""

    @property
    def waits_for_client(self) -> bool:
        """False while the client waits: its request is here, and its answer is not ready."""
        return (
            self.cycle is None
            or self.cycle.response_complete
            or self.cycle.more_body
            or self.flow.write_paused
        )

    def _make_room(self) -> None:
        """Closes a connection that waits for its client if there are too many.

        It is that which has waited longest of the client that has most, so that who opens hundreds
        closes no connection of others. They may come at once, and other clients wait meanwhile:
        only those are looked at whose clients wait for an answer, and the first that does not.
        """
        if len(self.kept) < self.most:
            return
        for one in self.kept:
            if one.waits_for_client:
                self.kept.remove(one)
                one.transport.abort()
                return
        # uvicorn answers its request with 503 and closes it
        self.limit_concurrency = 0

    def _wait_for_head(self) -> None:
        _cancel(self.head_timer)
        self.kept.remove(self)
        if not self.transport.is_closing():
            self.kept.add(self)
        self.head_timer = self.loop.call_later(self.limits.body_timeout_s, self._close_unless_asked)

    def _close_unless_asked(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.timeout_keep_alive_handler()


def connection_type(limits: Limits, most: int) -> type[Connection]:
    """Of connections with those limits of time, of which there may be `most` at once."""
    return type(
        "LimitedConnection", (Connection,), {"limits": limits, "most": most, "kept": Kept()}
    )


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer:
        timer.cancel()
