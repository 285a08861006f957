"""Connections of clients, each of which ends in a known time."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from tracelate.serving.limits import Limits


class Connection(H11Protocol):
    """HTTP on which a client that stops sending, or reading, is not waited for without end.

    uvicorn itself waits without end for the first head, for each byte of one that has begun, and
    for a client that does not read.
    """

    limits: Limits
    head_timer: asyncio.TimerHandle | None = None
    write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        # at 0, writing is paused exactly while there is something that the client has not taken
        transport.set_write_buffer_limits(high=0)
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
        _cancel(self.head_timer)
        _cancel(self.write_timer)

    def _wait_for_head(self) -> None:
        _cancel(self.head_timer)
        self.head_timer = self.loop.call_later(self.limits.body_timeout_s, self._close_unless_asked)

    def _close_unless_asked(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.timeout_keep_alive_handler()


def connection_type(limits: Limits) -> type[Connection]:
    """Of connections with those limits of time."""
    return type("LimitedConnection", (Connection,), {"limits": limits})


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer:
        timer.cancel()
