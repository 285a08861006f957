"""The addresses of a served model, and what each answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from tracelate.serving.answers import JSON_TYPE, document, refusal
from tracelate.serving.batching import Batcher
from tracelate.serving.hosts import AllowedHosts
from tracelate.serving.invocations import Invocations
from tracelate.serving.limits import Limits, TranslationRequest, TranslationRequests
from tracelate.serving.servable import ServableModel
from tracelate.serving.turns import BatchSize
from tracelate.tracking.packages.packed_translator import TranslationOptions
from tracelate.tracking.runs.log_model import EXAMPLE

BATCH_CELLS = 2_000_000
"""Most `search_cells` of a batch. The most expensive batch, in which each byte is a piece and
searches run to their last step, takes 0.4 GB and 7 s of one core at the default size, and 0.7 GB
and 10 s as a transformer.

The limits admit a single sentence beyond this: 16 beams of 1,000 bytes are 32 million cells and
take some 50 s, or 80 s and 0.6 GB as a transformer. Its search ends with the time of its request.
"""
SHARED_CELLS = BATCH_CELLS // 8
"""Most `search_cells` of a sentence that is translated together with those of other clients, and
for which a longer batch is interrupted: 160 bytes with 5 beams."""
CLOSE_S = 4
"""Seconds that a stopping server waits for the present batch, which ends at its next step."""


class Service:
    """A model that translates for many requests, and what the server says about it."""

    def __init__(self, model: ServableModel, limits: Limits) -> None:
        settings = model.lineage.params["evaluate"]
        self.model = model
        self.limits = limits
        self.defaults = {name: settings[name] for name in ("beam_size", "length_penalty")}
        self.is_warm = False
        self.batcher = Batcher[TranslationOptions](
            model.loaded.translate,
            lambda request: request.beams,
            BatchSize(
                settings["batch_sentences"] * settings["beam_size"], BATCH_CELLS, SHARED_CELLS
            ),
            model.loaded.trained.model.max_target_pieces,
        )
        # each step of a search calls the decoder
        model.loaded.on_step(self.batcher.between_steps)

    def is_ready(self) -> bool:
        return self.is_warm and self.batcher.is_alive

    def translate(self, request: TranslationRequest, client: str) -> Future[list[Any]]:
        return self.batcher.submit(request.normalised, request.settings, client)

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        options = TranslationOptions.model_validate(self.defaults)
        await asyncio.wrap_future(self.batcher.submit(EXAMPLE, options))
        self.is_warm = True
        yield
        self.is_warm = False
        await asyncio.to_thread(self.batcher.close, CLOSE_S)

    async def describe(self, _: HttpRequest) -> Response:
        return document(self.model.document)

    async def ping(self, _: HttpRequest) -> Response:
        return Response("\n") if self.is_ready() else refusal(503, "the model is not ready")

    async def mlflow_version(self, _: HttpRequest) -> Response:
        """The version of MLflow whose protocol this is."""
        return Response(version("mlflow"), media_type=JSON_TYPE)


def make_app(model: ServableModel, limits: Limits, hosts: Iterable[str]) -> Starlette:
    """The server, which is ready when a first sentence has been translated, at its start.

    `hosts` are names under which it answers, beside those of this machine.
    """
    service = Service(model, limits)
    normalise = model.loaded.trained.config.normaliser.build()
    requests = TranslationRequests(limits, service.defaults, normalise)
    invocations = Invocations(service.translate, requests, service.is_ready, model.receipts)
    return Starlette(
        routes=[
            Route("/invocations", invocations, methods=["POST"]),
            Route("/model", service.describe),
            Route("/ping", service.ping),
            Route("/health", service.ping),
            Route("/version", service.mlflow_version),
        ],
        middleware=[Middleware(AllowedHosts, hosts)],
        exception_handlers={HTTPException: _refuse, Exception: _refuse},
        lifespan=service.lifespan,
    )


async def _refuse(_: HttpRequest, error: Exception) -> Response:
    http = error if isinstance(error, HTTPException) else HTTPException(500)
    answer = refusal(http.status_code, http.detail)
    answer.headers.update(http.headers or {})
    return answer
