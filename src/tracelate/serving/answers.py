"""Answers of the server, in the JSON of MLflow's scoring protocol."""

from __future__ import annotations

import json
import math
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

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
"""Those of MLflow, which its clients know; all other statuses are BAD_REQUEST."""


class RefusedError(Exception):
    """A request that is not answered: the status and what to do about it."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def refusal(status: int, message: str) -> Response:
    """The answer to a request that is not served."""
    code = ERROR_CODES.get(HTTPStatus(status), "BAD_REQUEST")
    headers = {"retry-after": str(RETRY_AFTER_S)} if status == 503 else None
    return JSONResponse({"error_code": code, "message": message}, status, headers)


def document(content: dict[str, Any]) -> Response:
    """An answer in strict JSON: NaN and infinities, which JSON lacks, are null."""
    return JSONResponse(_without_nan(content))


def predictions(translations: list[Any]) -> Response:
    """As `document`, in ASCII, because clients guess the encoding of MLflow's answers."""
    text = json.dumps({"predictions": _without_nan(translations)}, allow_nan=False)
    return Response(text, media_type=JSON_TYPE)


def _without_nan(value: Any) -> Any:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: _without_nan(one) for key, one in value.items()}
        case list():
            return [_without_nan(one) for one in value]
        case _:
            return value
