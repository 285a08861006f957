"""A model behind HTTP, with MLflow's scoring protocol, for many clients at once."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage, lineage_document
from tracelate.lineage.checks import refuse_changed_project
from tracelate.serving.answers import JSON_TYPE, document, refusal
from tracelate.serving.batching import Batcher, BatchSize
from tracelate.serving.invocations import Invocations
from tracelate.serving.limits import Limits, TranslationRequest, TranslationRequests
from tracelate.tracking.log_model import EXAMPLE
from tracelate.tracking.packed_models import ModelSource, packed_model
from tracelate.tracking.packed_translator import (
    PackedTranslator,
    TranslationOptions,
    load_packed_translator,
)
from tracelate.tracking.references import Reference
from tracelate.training.cpu_ram import tune_cpu_ram

BATCH_CELLS = 2_000_000
"""Most `search_cells` of a batch. The most expensive batch, in which each byte is a piece and
searches run to their last step, takes 0.4 GB and 7 s of one core at the default size, and 0.7 GB
and 10 s as a transformer.

The limits admit a single sentence beyond this: 16 beams of 1,000 bytes are 32 million cells and
take some 50 s, or 80 s and 0.6 GB as a transformer. Its search ends with the time of its request.
"""
CONNECTIONS = 512
"""Most connections at once. Each needs an open file, of which a process often has 1,024."""
STOP_S = 30
"""Seconds that a stopping server waits for requests in progress."""
CLOSE_S = 5
"""Seconds that it then waits for the present batch, which ends at its next search step."""
LOCAL = ("127.0.0.1", "localhost", "::1")


class ServableModel(NamedTuple):
    """A model in memory, and where it comes from."""

    source: ModelSource
    lineage: Lineage
    loaded: PackedTranslator

    @property
    def document(self) -> dict[str, Any]:
        """The answer to GET /model."""
        return {
            "name": self.source.name,
            "version": self.source.version,
            "run_id": self.source.run_id,
            "model_id": self.source.model_id,
            "weights_sha256": self.lineage.weights_sha256,
            "lineage": lineage_document(self.lineage),
        }


def load_servable(reference: Reference) -> ServableModel:
    """Raises InputError where there is no such model, or a file is not the one of its lineage."""
    with packed_model(reference) as packed:
        refuse_changed_project(Path(), packed.lineage)
        loaded = load_packed_translator(packed.artifacts)
        return ServableModel(packed.source, packed.lineage, loaded)


def make_app(model: ServableModel, limits: Limits) -> Starlette:
    """The server, which is ready when a first sentence has been translated, at its start."""
    settings = model.lineage.params["evaluate"]
    defaults = {name: settings[name] for name in ("beam_size", "length_penalty")}
    batcher = Batcher[TranslationOptions](
        model.loaded.translate,
        lambda request: request.beams,
        BatchSize(settings["batch_sentences"] * settings["beam_size"], BATCH_CELLS),
        model.loaded.trained.model.max_target_pieces,
    )
    # each step of a search calls the decoder
    model.loaded.on_step(batcher.raise_if_unwanted)
    warm = False

    def is_ready() -> bool:
        return warm and batcher.is_alive

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        nonlocal warm
        await asyncio.wrap_future(
            batcher.submit(EXAMPLE, TranslationOptions.model_validate(defaults))
        )
        warm = True
        yield
        warm = False
        await asyncio.to_thread(batcher.close, CLOSE_S)

    async def describe(_: HttpRequest) -> Response:
        return document(model.document)

    async def ping(_: HttpRequest) -> Response:
        return Response("\n") if is_ready() else refusal(503, "the model is not ready")

    async def tell_version(_: HttpRequest) -> Response:
        # of MLflow, whose protocol this is
        return Response(version("mlflow"), media_type=JSON_TYPE)

    async def refuse(_: HttpRequest, error: Exception) -> Response:
        http = error if isinstance(error, HTTPException) else HTTPException(500)
        answer = refusal(http.status_code, http.detail)
        answer.headers.update(http.headers or {})
        return answer

    def translate(request: TranslationRequest) -> Future[list[Any]]:
        return batcher.submit(request.sentences, request.settings)

    invocations = Invocations(translate, TranslationRequests(limits, defaults), is_ready)
    return Starlette(
        routes=[
            Route("/invocations", invocations, methods=["POST"]),
            Route("/model", describe),
            Route("/ping", ping),
            Route("/health", ping),
            Route("/version", tell_version),
        ],
        exception_handlers={HTTPException: refuse, Exception: refuse},
        lifespan=lifespan,
    )


def impatient_protocol(timeout_s: float) -> type[H11Protocol]:
    """HTTP on which a connection is closed that has no whole request head within that time.

    uvicorn itself waits without end for the first, and as long as now and then a byte comes.
    """

    class ImpatientProtocol(H11Protocol):
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
            self.head_timer = self.loop.call_later(timeout_s, self._close_unless_asked)

        def _close_unless_asked(self) -> None:
            if self.cycle is None or self.cycle.response_complete:
                self.timeout_keep_alive_handler()

    return ImpatientProtocol


def server_config(model: ServableModel, limits: Limits) -> uvicorn.Config:
    """Of a server that names the model in the headers of every answer to what is HTTP."""
    return uvicorn.Config(
        make_app(model, limits),
        http=impatient_protocol(limits.body_timeout_s),
        log_level="warning",
        access_log=False,
        server_header=False,
        headers=[
            # a name may have characters that a header may not
            ("tracelate-model", quote(model.source.title, safe="/@ ")),
            ("tracelate-weights-sha256", model.lineage.weights_sha256),
        ],
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=STOP_S,
    )


def serve(
    reference: Reference, host: str, port: int, limits: Limits, say: Callable[[str], object]
) -> None:
    """Serves the model until SIGTERM or Ctrl-C; requests in progress are answered before the end.

    `port` 0 selects any free port. `say` is called with each line of output.

    Raises InputError if the model cannot be loaded or the port cannot be used.
    """
    with _listener(host, port) as listener:
        model = load_servable(reference)
        if host not in LOCAL:
            say(
                f"warning: {host} is open to other machines, and anyone there may translate: "
                "put a proxy with a password in front of it"
            )
        lineage = model.lineage
        address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
        announcement = (
            f"serving {model.source.title} ({lineage.pair}, run {model.source.run_id}, weights "
            f"{lineage.weights_sha256[:12]}) on {address}; Ctrl-C ends"
        )
        tune_cpu_ram()
        config = server_config(model, limits)
        with _stopping_is_no_failure():
            _Server(config, lambda: say(announcement)).run(sockets=[listener])
    say("stopped")


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], object]) -> None:
        super().__init__(config)
        self.on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.on_started()


def _listener(host: str, port: int) -> socket.socket:
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
