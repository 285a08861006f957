"""Connections of clients, each of which ends in a known time."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class Connection(H11Protocol):
    """HTTP on which a connection is closed that has no whole request head within a time.

    uvicorn itself waits without end for the first, and as long as now and then a byte comes.
    """

    head_timeout_s: float
    head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait_for_head()

    def on_response_complete(self) -> None:
        self._wait_for_head()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.head_timer:
            self.head_timer.cancel()

    def _wait_for_head(self) -> None:
        if self.head_timer:
            self.head_timer.cancel()
        self.head_timer = self.loop.call_later(self.head_timeout_s, self._close_unless_asked)

    def _close_unless_asked(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.timeout_keep_alive_handler()


def connection_type(head_timeout_s: float) -> type[Connection]:
    """Of connections with that many seconds for a request's head."""
    return type("TimedConnection", (Connection,), {"head_timeout_s": head_timeout_s})
