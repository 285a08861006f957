"""Limits of requests, and their strict reading: a request beyond them never reaches the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, FailFast, ValidationError
from pydantic_core import ErrorDetails

from tracelate.serving.answers import RefusedError
from tracelate.tracking.packages.packed_translator import TranslationOptions

ESCAPED_BYTES = 12
r"""A character as long as JSON writes it: \ud83d\ude00."""
ENVELOPE_BYTES = 4096
SHOWN_CHARACTERS = 40
LESS = "send less at once"


class Limits(NamedTuple):
    sentences: int = 256
    """Of a request, as are the others."""
    characters: int = 20_000
    """Of all sentences."""
    sentence_bytes: int = 1_000
    """Of a sentence in UTF-8: the cost of a translation grows with their square."""
    beams: int = 16
    """Of beam_size and n_best."""
    requests: int = 64
    """That are in the server at once, whether translated or waiting."""
    timeout_s: float = 60.0
    """Until the answer; longer waits end with 503."""
    body_timeout_s: float = 10.0
    """Until the whole request is here."""
    write_timeout_s: float = 30.0
    """Until the client has taken an answer, after which its connection is closed."""

    @property
    def body_bytes(self) -> int:
        return self.characters * ESCAPED_BYTES + self.sentences * 4 + ENVELOPE_BYTES


class TranslationRequest(NamedTuple):
    sentences: list[str]
    """As they were sent."""
    normalised: list[str]
    """As the model reads them."""
    settings: TranslationOptions


Sentences = Annotated[list[str] | None, FailFast()]


class _Body(BaseModel):
    # pydantic would list every key that is not known, and one is enough
    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    inputs: Sentences = None
    instances: Sentences = None
    params: dict[str, Any] | None = None


class TranslationRequests:
    """Reads requests to one model."""

    def __init__(
        self,
        limits: Limits,
        defaults: Mapping[str, Any],
        normalise: Callable[[str], str] = lambda text: text,
    ) -> None:
        """`defaults` are the params that a request need not name, `normalise` is the model's own.

        Their beam_size is that with which a request may fill the limits of sentences and
        characters; with twice the beams, it may hold half. A sentence by itself may have all beams.
        """
        self.limits = limits
        self.defaults = dict(defaults)
        self.normalise = normalise

    def read(self, body: bytes) -> TranslationRequest:
        """Raises RefusedError with 400 for what is wrong and 413 for what is too much."""
        try:
            document = _Body.model_validate_json(body)
        except ValidationError as error:
            raise RefusedError(HTTPStatus.BAD_REQUEST, _explain(error.errors()[0])) from None
        _refuse_unknown(document.model_extra or {}, _Body)
        lists = {"inputs": document.inputs, "instances": document.instances}
        given = {key: one for key, one in lists.items() if one is not None}
        if len(given) != 1:
            raise RefusedError(
                HTTPStatus.BAD_REQUEST,
                'one of "inputs" and "instances" must be a list of sentences, such as '
                '{"inputs": ["Could not connect."]}',
            )
        [(key, sentences)] = given.items()
        self._refuse_too_much(key, sentences)
        normalised = [self.normalise(sentence) for sentence in sentences]
        # composition excludes some characters, which become longer
        self._refuse_too_much(key, normalised)
        settings = self._settings(document.params or {})
        self._refuse_too_many_beams(normalised, settings.beams)
        return TranslationRequest(sentences, normalised, settings)

    def _refuse_too_much(self, key: str, sentences: list[str]) -> None:
        limits = self.limits
        _refuse_over({"sentences": (len(sentences), limits.sentences)}, LESS)
        for place, sentence in enumerate(sentences):
            size_bytes = len(sentence.encode())
            if size_bytes > limits.sentence_bytes:
                raise RefusedError(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"{key}.{place} has {size_bytes:,} bytes in UTF-8, and the limit of a sentence "
                    f"is {limits.sentence_bytes:,}: divide it",
                )
        _refuse_over({"characters": (sum(map(len, sentences)), limits.characters)}, LESS)

    def _refuse_too_many_beams(self, sentences: list[str], beams: int) -> None:
        if len(sentences) == 1:
            return
        limits, own_beams = self.limits, self.defaults["beam_size"]
        characters = sum(map(len, sentences))
        measured = {
            "sentences by beams": (len(sentences) * beams, limits.sentences * own_beams),
            "characters by beams": (characters * beams, limits.characters * own_beams),
        }
        _refuse_over(measured, f"{LESS}, or lower beam_size and n_best")

    def _settings(self, params: Mapping[str, Any]) -> TranslationOptions:
        _refuse_unknown(params, TranslationOptions, "params.")
        try:
            settings = TranslationOptions.model_validate({**self.defaults, **params}, strict=True)
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


def _refuse_over(measured: Mapping[str, tuple[int, int]], remedy: str) -> None:
    """`measured`: how many there are, and how many there may be, by of what."""
    for what, (count, limit) in measured.items():
        if count > limit:
            raise RefusedError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"{count:,} {what}, and the limit is {limit:,}: {remedy}",
            )


def _refuse_unknown(names: Iterable[str], model: type[BaseModel], place: str = "") -> None:
    for name in names:
        if name not in model.model_fields:
            known = ", ".join(model.model_fields)
            message = f"{place}{shown(name)} is not known here: {known} are"
            raise RefusedError(HTTPStatus.BAD_REQUEST, message)


def _explain(error: ErrorDetails) -> str:
    place = ".".join(shown(str(part)) for part in error["loc"])
    match error["type"]:
        case "json_invalid":
            return f"the body is no JSON: {error['msg'].removeprefix('Invalid JSON: ')}"
        case "missing":
            return f"{place} is missing"
        case _:
            message = error["msg"].removeprefix("Input ")
            if not place:
                return f"the body {message}"
            return f"{place} is {shown(repr(error['input']))}: {message}"


def shown(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
