"""The process of a served model, from its start to its stop."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from urllib.parse import quote

import uvicorn

from tracelate.serving.app import make_app
from tracelate.serving.batching import THREAD_NAME
from tracelate.serving.connections import connection_type
from tracelate.serving.hosts import LOCAL
from tracelate.serving.limits import Limits
from tracelate.serving.listener import open_listener
from tracelate.serving.open_files import AcceptErrors, ConnectionLimits, connection_limits
from tracelate.serving.servable import ServableModel, load_servable
from tracelate.signing.keys import SigningKey
from tracelate.signing.trust import Trust
from tracelate.tracking.references.references import Reference
from tracelate.training.cpu_ram import tune_cpu_ram

STOP_S = 28
"""Seconds that a stopping server waits for requests in progress."""
STOP_AT_MOST_S = 35
"""Seconds after which a stopping server is ended by the system. They include STOP_S, the time for
the present batch (`app.CLOSE_S`), and 3 s in which Python ends."""


def server_config(
    model: ServableModel,
    limits: Limits,
    connections: ConnectionLimits,
    hosts: Iterable[str] = (),
    proxies: Iterable[str] = (),
) -> uvicorn.Config:
    """Of a server that names the model in the headers of every answer to what is HTTP."""
    proxies = list(proxies)
    return uvicorn.Config(
        make_app(model, limits, hosts),
        http=connection_type(limits, connections.connections),
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        # any client could pass for others
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        headers=[
            # a name may have characters that a header may not
            ("tracelate-model", quote(model.source.title, safe="/@ ")),
            ("tracelate-weights-sha256", model.lineage.weights_sha256),
        ],
        backlog=connections.backlog,
        timeout_graceful_shutdown=STOP_S,
    )


def serve(
    reference: Reference,
    host: str,
    port: int,
    limits: Limits,
    say: Callable[[str], object],
    *,
    allowed_hosts: Iterable[str] = (),
    proxies: Iterable[str] = (),
    warning: str | None = None,
    trust: Trust | None = None,
    key: SigningKey | None = None,
) -> None:
    """Serves the model until SIGTERM or Ctrl-C; requests in progress are answered before the end.

    The end comes STOP_AT_MOST_S seconds after the signal at the latest: with SIGALRM if Python does
    not end by itself. A second Ctrl-C ends at once.

    `port` 0 selects any free port. `say` is called with each line of output. `allowed_hosts` are
    names under which the server answers, beside `host`, names of this machine and its addresses.
    `proxies` are addresses and networks whose header X-Forwarded-For names the client.
    `warning` is said once the model is loaded. `trust` and `key` are those of `load_servable`.

    Raises InputError if the model cannot be loaded or the port cannot be used.
    """
    with open_listener(host, port) as listener:
        model = load_servable(reference, trust, key)
        if warning is not None:
            say(warning)
        if host not in LOCAL:
            say(
                f"warning: {host} is open to other machines, and anyone there may translate: "
                "put a proxy with a password in front of it"
            )
        lineage = model.lineage
        address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
        announcement = (
            f"serving {model.source.title} ({lineage.pair}, run {model.source.run_id}, weights "
            f"{lineage.weights_sha256[:12]}, {model.signature}) on {address}; Ctrl-C ends"
        )
        tune_cpu_ram()  # before the thread begins that translates
        config = server_config(model, limits, connection_limits(), [host, *allowed_hosts], proxies)
        with _stopping_is_no_failure():
            _Server(config, say, announcement).run(sockets=[listener])
    say("stopped")
    if any(thread.name == THREAD_NAME for thread in threading.enumerate()):
        # torch aborts where Python ends while it computes
        os._exit(0)


class _Server(uvicorn.Server):
    """Says when it listens, and when it cannot accept a connection."""

    def __init__(
        self, config: uvicorn.Config, say: Callable[[str], object], announcement: str
    ) -> None:
        super().__init__(config)
        self.say = say
        self.announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(AcceptErrors(self.say))
        await super().startup(sockets)
        self.say(self.announcement)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            # its default action ends the process also where Python itself waits for native code
            signal.setitimer(signal.ITIMER_REAL, STOP_AT_MOST_S)
        super().handle_exit(sig, frame)


@contextmanager
def _stopping_is_no_failure() -> Iterator[None]:
    """The server ends in order at a signal, and then raises it again."""
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {one: signal.signal(one, lambda *_: None) for one in signals}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
