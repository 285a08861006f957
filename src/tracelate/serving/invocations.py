"""`POST /invocations` of MLflow's scoring protocol, for lists of sentences.

MLflow's formats for tables (data frames, CSV, Parquet) are refused: a list of sentences needs none.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tracelate.serving.answers import JSON_TYPE, STOPPING, RefusedError, predictions, refusal
from tracelate.serving.limits import Limits, TranslationRequest, TranslationRequests
from tracelate.serving.receipts import Receipts


class Invocations:
    """Reads each request whole, refuses what is wrong or too much, and answers the others.

    `translate` is called with a request and its client's address, and returns at once the
    translations to come. They are cancelled when the client leaves
    or the time is over.
    """

    def __init__(
        self,
        translate: Callable[[TranslationRequest, str], Future[list[Any]]],
        requests: TranslationRequests,
        is_ready: Callable[[], bool],
        receipts: Receipts | None = None,
    ) -> None:
        self.translate = translate
        self.receipts = receipts
        self.requests = requests
        self.is_ready = is_ready
        self.inside = Counter[str]()
        """Requests that wait for their translations, by the address of their client."""

    @property
    def limits(self) -> Limits:
        return self.requests.limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if not self.is_ready():
                raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "the model is not ready")
            _refuse_other_types(Headers(scope=scope))
            body = await self._read_body(HttpRequest(scope, receive))
            answer = await self._answer(scope, receive, self.requests.read(body))
        except RefusedError as error:
            answer = refusal(error.status, error.message)
        except asyncio.CancelledError:
            # the server stops, and has waited for long enough
            answer = refusal(HTTPStatus.SERVICE_UNAVAILABLE, STOPPING)
        await answer(scope, receive, send)

    async def _answer(
        self, scope: Scope, receive: Receive, request: TranslationRequest
    ) -> Response:
        client, _ = scope.get("client") or ("", 0)
        self._refuse_if_full(client)
        self.inside[client] += 1
        try:
            answers = asyncio.wrap_future(self.translate(request, client))
            translations = await self._wait_for(answers, receive)
            answer = predictions(translations)
            if self.receipts is not None:
                answer.headers.update(self.receipts.headers(request, translations))
            return answer
        except (RefusedError, asyncio.CancelledError):
            raise
        except BaseException as error:  # a panic of Rust's in the tokenizer is no Exception
            if not self.is_ready():
                raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, STOPPING) from None
            # nothing that a client sent: it had been read and found good
            sys.stderr.write(f"error: {''.join(traceback.format_exception(error))}")
            raise RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "see the server's log") from None
        finally:
            self.inside[client] -= 1
            if not self.inside[client]:
                del self.inside[client]

    def _refuse_if_full(self, client: str) -> None:
        # a request counts when it is all there: slow clients keep nobody out
        inside, limit = self.inside.total(), self.limits.requests
        # nor does one client with many requests keep out others, as long as they are not many
        is_first = client not in self.inside and inside < 2 * limit
        if inside >= limit and not is_first:
            raise RefusedError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{inside} requests at once, and the limit is {limit}: try again",
            )

    async def _wait_for(self, answers: asyncio.Future[list[Any]], receive: Receive) -> list[Any]:
        """Raises RefusedError where the client leaves or the time is over."""
        leaving = asyncio.create_task(_wait_until_left(receive))
        try:
            either: list[asyncio.Future[Any]] = [answers, leaving]
            await asyncio.wait(
                either, timeout=self.limits.timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
            if answers.done():
                return answers.result()
        finally:
            answers.cancel()
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
        if leaving.cancelled():
            raise RefusedError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"no answer within {self.limits.timeout_s:g} s: try again, or send less at once",
            )
        # for nobody to hear
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the client has left")

    async def _read_body(self, request: HttpRequest) -> bytes:
        """Raises RefusedError where the body is too large, too slow or cut off."""
        body = bytearray()
        too_large = False
        try:
            async with asyncio.timeout(self.limits.body_timeout_s):
                async for chunk in request.stream():
                    # read to the end: a client receives no answer while it still sends
                    too_large = too_large or len(body) + len(chunk) > self.limits.body_bytes
                    if not too_large:
                        body += chunk
        except TimeoutError:
            if not too_large:
                raise RefusedError(
                    HTTPStatus.REQUEST_TIMEOUT,
                    f"the request took over {self.limits.body_timeout_s:g} s to come",
                ) from None
        except ClientDisconnect:
            # for nobody to hear
            raise RefusedError(HTTPStatus.BAD_REQUEST, "the request was cut off") from None
        if too_large:
            raise RefusedError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the body is over {self.limits.body_bytes:,} bytes: send less at once",
            )
        return bytes(body)


def _refuse_other_types(headers: Headers) -> None:
    kind, _, charset = headers.get("content-type", "").lower().partition(";")
    encoding = headers.get("content-encoding", "identity").lower()
    if kind.strip() != JSON_TYPE or charset.strip() not in ("", "charset=utf-8"):
        raise RefusedError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send content-type {JSON_TYPE}, in UTF-8"
        )
    if encoding != "identity":
        raise RefusedError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the body as it is, without content-encoding"
        )


async def _wait_until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
