"""What comes in between a client and MLflow's scoring server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tracelate.tracking.guard import Guard
from tracelate.tracking.limits import Limits, TranslationRequests

DEFAULTS = {"beam_size": 2, "length_penalty": 1.0}
LIMITS = Limits(
    sentences=3, characters=30, sentence_characters=20, timeout_s=0.05, body_timeout_s=0.05
)
GOOD = {"inputs": ["a", "b"]}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: dict[str, Any]


class Inner:
    """In place of MLflow's server."""

    def __init__(self, status: int = 200, answer: str = '{"predictions": []}') -> None:
        self.status = status
        self.answer = answer
        self.heard: list[Any] = []
        self.hangs = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.heard.append(json.loads((await receive())["body"]))
        await asyncio.sleep(0)
        if self.hangs:
            await asyncio.sleep(30)
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": self.answer.encode()})


def guarded(inner: ASGIApp, limits: Limits = LIMITS, ready: bool = True) -> Guard:
    return Guard(inner, TranslationRequests(limits, DEFAULTS), lambda: ready)


async def post(
    guard: Guard,
    *chunks: bytes,
    content_type: str = "application/json",
    headers: Iterable[tuple[str, str]] = (),
    stalls: bool = False,
) -> Answer:
    """The answer to a body that comes in chunks; one that stalls never comes to its end."""
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": stalls or number < len(chunks)}
        for number, chunk in enumerate(chunks, start=1)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        await asyncio.sleep(30)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    named = [("content-type", content_type), *headers]
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/invocations",
        "headers": [(name.encode(), value.encode()) for name, value in named],
    }
    await guard(scope, receive, send)
    start, *rest = sent
    body = b"".join(message.get("body", b"") for message in rest)
    answered = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], answered, json.loads(body))


def ask(guard: Guard, body: object, **how: Any) -> Answer:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return asyncio.run(post(guard, sent, **how))


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": ["a"], "params": {"beam_size": 3}},
        {"instances": ["a"], "params": {"beam_size": 3}},
        {"inputs": ["a"], "instances": None, "params": {"beam_size": 3, "length_penalty": 1}},
    ],
)
def test_what_passes_has_one_form(body: object) -> None:
    inner = Inner()
    assert ask(guarded(inner), body).status == 200
    extra = {"n_best": 1, "with_scores": False, "with_alignment": False}
    assert inner.heard == [
        {"inputs": ["a"], "params": {"beam_size": 3, "length_penalty": 1.0, **extra}}
    ]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "the body is no JSON"),
        (b"{", 400, "the body is no JSON"),
        (b'{"inputs": ["\xff"]}', 400, "the body is no JSON"),
        (b'{"inputs": ["\\ud800"]}', 400, "the body is no JSON"),
        (b'{"inputs": ["a"], "x": ' + b"[" * 300 + b"]" * 300 + b"}", 400, "the body is no JSON"),
        (b"[" * 200 + b"]" * 200, 400, "the body should be an object"),
        ([], 400, "the body should be an object"),
        ({}, 400, 'one of "inputs" and "instances"'),
        ({"inputs": ["a"], "instances": ["a"]}, 400, 'one of "inputs" and "instances"'),
        ({"inputs": "text"}, 400, "inputs is 'text': should be a valid array"),
        ({"inputs": ["a", 5]}, 400, "inputs.1 is 5: should be a valid string"),
        ({"inputs": [["a"]]}, 400, "inputs.0 is ['a']: should be a valid string"),
        ({"inputs": {"a": ["b"]}}, 400, "should be a valid array"),
        ({"dataframe_split": {"data": [["a"]]}}, 400, "dataframe_split is not known here: inputs"),
        ({**GOOD, "params": []}, 400, "params is []: should be an object"),
        ({**GOOD, "params": {"beams": 2}}, 400, "params.beams is not known here: beam_size"),
        ({**GOOD, "params": {"beam_size": "2"}}, 400, "params.beam_size is '2'"),
        ({**GOOD, "params": {"beam_size": True}}, 400, "params.beam_size is True"),
        ({**GOOD, "params": {"beam_size": 0}}, 400, "params.beam_size is 0"),
        ({**GOOD, "params": {"beam_size": 17}}, 400, "params.beam_size is 17, and the limit is 16"),
        ({**GOOD, "params": {"n_best": 64}}, 400, "params.n_best is 64, and the limit is 16"),
        ({**GOOD, "params": {"length_penalty": float("nan")}}, 400, "params.length_penalty is nan"),
        ({"inputs": ["a"] * 4}, 413, "4 sentences, and the limit is 3"),
        ({"inputs": ["ñ" * 20] * 2}, 413, "40 characters, and the limit is 30"),
        ({"inputs": ["a" * 21]}, 413, "21 characters in a sentence, and the limit is 20"),
    ],
)
def test_what_is_wrong_or_too_much_is_said_and_does_not_pass(
    body: object, status: int, message: str
) -> None:
    inner = Inner()
    answer = ask(guarded(inner), body)
    assert answer.status == status
    assert message in answer.body["message"]
    assert inner.heard == []


def test_what_fills_the_limits_exactly_passes() -> None:
    inner = Inner()
    assert ask(guarded(inner), {"inputs": ["😀" * 20, "😀" * 10, ""]}).status == 200


def test_a_body_over_the_limit_is_never_held_in_memory() -> None:
    chunks = [b"x" * 4000] * 50
    answer = asyncio.run(post(guarded(Inner()), *chunks))
    assert answer.status == 413
    assert f"the body is over {LIMITS.body_bytes:,} bytes" in answer.body["message"]


@pytest.mark.parametrize(
    "how",
    [
        {"content_type": "text/csv"},
        {"content_type": "application/vnd.apache.parquet"},
        {"content_type": ""},
        {"content_type": "application/json; charset=latin-1"},
        {"headers": [("content-encoding", "gzip")]},
    ],
)
def test_other_types_than_json_in_utf8_are_refused(how: dict[str, Any]) -> None:
    assert ask(guarded(Inner()), GOOD, **how).status == 415
    assert ask(guarded(Inner()), GOOD, content_type="Application/JSON; charset=UTF-8").status == 200


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    assert asyncio.run(post(guarded(Inner()), b'{"inputs": [', stalls=True)).status == 408


def test_what_takes_too_long_is_answered_with_when_to_try_again() -> None:
    inner = Inner()
    inner.hangs = True
    answer = ask(guarded(inner), GOOD)
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


def test_one_too_many_at_once_is_told_to_try_again_and_the_others_are_not_harmed() -> None:
    inner = Inner()
    guard = guarded(inner, LIMITS._replace(requests=2, timeout_s=5.0))
    body = json.dumps(GOOD).encode()

    async def three_and_one() -> list[Answer]:
        at_once = await asyncio.gather(*(post(guard, body) for _ in range(3)))
        return [*at_once, await post(guard, body)]

    *at_once, later = asyncio.run(three_and_one())
    assert sorted(answer.status for answer in at_once) == [200, 200, 503]
    assert later.status == 200


def test_before_the_model_is_ready_nothing_passes() -> None:
    assert ask(guarded(Inner(), ready=False), GOOD).status == 503


def test_a_fault_inside_is_logged_and_the_client_sees_no_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    inner = Inner(400, '{"message": "Traceback (most recent call last)"}')
    answer = ask(guarded(inner), GOOD)
    assert answer.status == 500
    assert answer.body == {"error_code": "INTERNAL_ERROR", "message": "see the server's log"}
    assert "Traceback" in capsys.readouterr().err
