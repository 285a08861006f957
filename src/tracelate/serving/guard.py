"""ASGI middleware that checks requests before MLflow's scoring server receives them.

MLflow's server takes formats that a list of sentences does not need, answers some wrong requests
with status 500, and puts tracebacks into its answers. The guard hands it only what it can answer.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tracelate.serving.limits import Limits, RefusedError, TranslationRequest, TranslationRequests

JSON_TYPE = "application/json"
RETRY_AFTER_S = 1
STOPPING = "the server is stopping"
ERROR_CODES = {
    HTTPStatus.BAD_REQUEST: "INVALID_PARAMETER_VALUE",
    HTTPStatus.NOT_FOUND: "ENDPOINT_NOT_FOUND",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "REQUEST_LIMIT_EXCEEDED",
    HTTPStatus.SERVICE_UNAVAILABLE: "TEMPORARILY_UNAVAILABLE",
    HTTPStatus.INTERNAL_SERVER_ERROR: "INTERNAL_ERROR",
}
"""MLflow's, so that its clients know them; all others are BAD_REQUEST."""
still_awaited: ContextVar[Future[None]] = ContextVar("still_awaited")
"""Of the request that MLflow answers here: cancelled when nobody waits for its answer any more."""


def refusal(status: int, message: str) -> Response:
    """The answer to a request that is not served, in the form of MLflow's errors."""
    code = ERROR_CODES.get(HTTPStatus(status), "BAD_REQUEST")
    headers = {"retry-after": str(RETRY_AFTER_S)} if status == 503 else None
    return JSONResponse({"error_code": code, "message": message}, status, headers)


class Guard:
    """Lets pass, one by one and rewritten in one form, the requests that MLflow can answer."""

    def __init__(
        self, app: ASGIApp, requests: TranslationRequests, is_ready: Callable[[], bool]
    ) -> None:
        self.app = app
        self.requests = requests
        self.is_ready = is_ready
        self.inside = 0

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
        # a request counts when it is all there: slow clients keep nobody out
        if self.inside >= self.limits.requests:
            raise RefusedError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{self.inside} requests at once, and the limit is {self.limits.requests}: "
                "try again",
            )
        params = request.settings.model_dump()
        passed = json.dumps({"inputs": request.sentences, "params": params}).encode()
        status, answer = await self._call_while_waited_for(scope, receive, passed)
        if status == HTTPStatus.OK:
            return Response(answer, media_type=JSON_TYPE)
        if not self.is_ready():
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, STOPPING)
        # nothing that a client sent: it had been read and found good
        sys.stderr.write(f"error: status {status}: {answer.decode(errors='replace')}\n")
        raise RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "see the server's log")

    async def _call_while_waited_for(
        self, scope: Scope, receive: Receive, body: bytes
    ) -> tuple[int, bytes]:
        """As `_call`. Raises RefusedError where the client leaves or the time is over."""
        awaited: Future[None] = Future()
        still_awaited.set(awaited)
        self.inside += 1
        call = asyncio.create_task(_call(self.app, scope, body))
        leaving = asyncio.create_task(_wait_until_left(receive))
        try:
            await asyncio.wait(
                [call, leaving],
                timeout=self.limits.timeout_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if call.done():
                return call.result()
        finally:
            self.inside -= 1
            awaited.cancel()
            call.cancel()
            leaving.cancel()
            await asyncio.gather(call, leaving, return_exceptions=True)
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


async def _call(app: ASGIApp, scope: Scope, body: bytes) -> tuple[int, bytes]:
    """The status and the body of the app's answer to another body."""
    status = 0
    answer = bytearray()
    unread = [{"type": "http.request", "body": body}]

    async def receive() -> Message:
        if unread:
            return unread.pop()
        # the guard looks itself whether the client is there
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            answer.extend(message.get("body", b""))

    headers = [(b"content-type", JSON_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    await app({**scope, "headers": headers}, receive, send)
    return status, bytes(answer)
