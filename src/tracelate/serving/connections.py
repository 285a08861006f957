"""Connections of clients, each of which ends in a known time."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from tracelate.serving.limits import Limits


class Connection(H11Protocol):
    """HTTP on which no client can hold a connection that another one needs.

    uvicorn itself waits without end for the first head, for each byte of one that has begun, and
    for a client that does not read, and keeps the connections beyond its limit open.
    """

    limits: Limits
    most: int
    kept: dict[Connection, None]
    """All connections of the server, those first that have waited longest for a request."""
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
        self.kept.pop(self, None)
        _cancel(self.head_timer)
        _cancel(self.write_timer)

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
        """Closes the connection that has waited longest for its client if there are too many.

        Hundreds may come at once, and other clients wait meanwhile: only those are looked at whose
        clients wait for an answer, and the first that does not.
        """
        if len(self.kept) < self.most:
            return
        for one in self.kept:
            if one.waits_for_client:
                del self.kept[one]
                one.transport.abort()
                return
        # uvicorn answers its request with 503 and closes it
        self.limit_concurrency = 0

    def _wait_for_head(self) -> None:
        _cancel(self.head_timer)
        self.kept.pop(self, None)
        if not self.transport.is_closing():
            self.kept[self] = None
        self.head_timer = self.loop.call_later(self.limits.body_timeout_s, self._close_unless_asked)

    def _close_unless_asked(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.timeout_keep_alive_handler()


def connection_type(limits: Limits, most: int) -> type[Connection]:
    """Of connections with those limits of time, of which there may be `most` at once."""
    return type("LimitedConnection", (Connection,), {"limits": limits, "most": most, "kept": {}})


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer:
        timer.cancel()
