"""What a request may ask of a server, read strictly: no more of it reaches the model."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from tracelate.tracking.served_model import Request

ESCAPED_BYTES = 12
r"""A character as long as JSON writes it: \ud83d\ude00."""
ENVELOPE_BYTES = 4096
SHOWN_CHARACTERS = 40


class Limits(NamedTuple):
    sentences: int = 256
    """Of a request, as are the others."""
    characters: int = 20_000
    """Of all sentences."""
    sentence_characters: int = 1_000
    beams: int = 16
    """Of beam_size and n_best."""
    requests: int = 64
    """That are in the server at once, whether translated or waiting."""
    timeout_s: float = 60.0
    """Until the answer; longer waits end with 503."""
    body_timeout_s: float = 10.0
    """Until the whole request is here."""

    @property
    def body_bytes(self) -> int:
        return self.characters * ESCAPED_BYTES + self.sentences * 4 + ENVELOPE_BYTES


class RefusedError(Exception):
    """A request that is not answered: the status and what to do about it."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class TranslationRequest(NamedTuple):
    sentences: list[str]
    settings: Request


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    inputs: list[str] | None = None
    instances: list[str] | None = None
    params: dict[str, Any] | None = None


class TranslationRequests:
    """Reads requests to one model."""

    def __init__(self, limits: Limits, defaults: Mapping[str, Any]) -> None:
        """`defaults` are the params that a request need not name."""
        self.limits = limits
        self.defaults = dict(defaults)

    def read(self, body: bytes) -> TranslationRequest:
        """Raises RefusedError with 400 for what is wrong and 413 for what is too much."""
        try:
            document = _Body.model_validate_json(body)
        except ValidationError as error:
            raise RefusedError(HTTPStatus.BAD_REQUEST, _explain(error.errors()[0])) from None
        given = [one for one in (document.inputs, document.instances) if one is not None]
        if len(given) != 1:
            raise RefusedError(
                HTTPStatus.BAD_REQUEST,
                'one of "inputs" and "instances" must be a list of sentences, such as '
                '{"inputs": ["Could not connect."]}',
            )
        self._refuse_too_much(given[0])
        return TranslationRequest(given[0], self._settings(document.params or {}))

    def _refuse_too_much(self, sentences: list[str]) -> None:
        limits = self.limits
        measured = {
            "sentences": (len(sentences), limits.sentences),
            "characters": (sum(map(len, sentences)), limits.characters),
            "characters in a sentence": (
                max(map(len, sentences), default=0),
                limits.sentence_characters,
            ),
        }
        for what, (count, limit) in measured.items():
            if count > limit:
                raise RefusedError(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"{count:,} {what}, and the limit is {limit:,}: send less at once",
                )

    def _settings(self, params: Mapping[str, Any]) -> Request:
        try:
            settings = Request.model_validate({**self.defaults, **params}, strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            message = _explain({**first, "loc": ("params", *first["loc"])})
            raise RefusedError(HTTPStatus.BAD_REQUEST, message) from None
        for name in ("beam_size", "n_best"):
            value = getattr(settings, name)
            if value > self.limits.beams:
                raise RefusedError(
                    HTTPStatus.BAD_REQUEST,
                    f"params.{name} is {value}, and the limit is {self.limits.beams}",
                )
        return settings


def _explain(error: ErrorDetails) -> str:
    place = ".".join(_shown(str(part)) for part in error["loc"])
    match error["type"]:
        case "json_invalid":
            return f"the body is no JSON: {error['msg'].removeprefix('Invalid JSON: ')}"
        case "extra_forbidden":
            known = Request.model_fields if error["loc"][0] == "params" else _Body.model_fields
            return f"{place} is not known here: {', '.join(known)} are"
        case "missing":
            return f"{place} is missing"
        case _:
            message = error["msg"].removeprefix("Input ")
            if not place:
                return f"the body {message}"
            return f"{place} is {_shown(repr(error['input']))}: {message}"


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
