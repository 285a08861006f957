"""Requests for translations, with a replacement of the translator."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any, NamedTuple

import pytest
from starlette.types import Message, Scope

from tracelate.serving.answers import RefusedError, document, predictions
from tracelate.serving.invocations import Invocations
from tracelate.serving.limits import Limits, TranslationRequest, TranslationRequests
from tracelate.text.normaliser import Normaliser
from tracelate.tracking.packages.packed_translator import TranslationOptions

DEFAULTS = {"beam_size": 2, "length_penalty": 1.0}
LIMITS = Limits(sentences=3, characters=30, sentence_bytes=80, timeout_s=0.05, body_timeout_s=0.05)
GOOD = {"inputs": ["a", "b"]}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: dict[str, Any]


class FakeTranslator:
    """Records its requests, and answers them all alike or not at all."""

    def __init__(self, answers: list[Any] | BaseException | None = None) -> None:
        self.answers = [] if answers is None else answers
        self.requests: list[TranslationRequest] = []
        self.clients: list[str] = []
        self.hangs = False
        self.awaited: list[Future[list[Any]]] = []

    def __call__(self, request: TranslationRequest, client: str) -> Future[list[Any]]:
        self.requests.append(request)
        self.clients.append(client)
        answers: Future[list[Any]] = Future()
        self.awaited.append(answers)
        if not self.hangs:
            asyncio.get_running_loop().call_soon(self._answer, answers)
        return answers

    def _answer(self, answers: Future[list[Any]]) -> None:
        if isinstance(self.answers, BaseException):
            answers.set_exception(self.answers)
        else:
            answers.set_result(self.answers)


def served(translator: FakeTranslator, limits: Limits = LIMITS, ready: bool = True) -> Invocations:
    return Invocations(translator, TranslationRequests(limits, DEFAULTS), lambda: ready)


async def post(
    invocations: Invocations,
    *chunks: bytes,
    content_type: str = "application/json",
    headers: Iterable[tuple[str, str]] = (),
    stalls: bool = False,
    leaves: bool = False,
    client: str = "192.0.2.7",
) -> Answer:
    """The answer to a body that comes in chunks; one that stalls never comes to its end.

    A client that leaves does so as soon as it has sent all.
    """
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": stalls or number < len(chunks)}
        for number, chunk in enumerate(chunks, start=1)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        await asyncio.sleep(0 if leaves else 30)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    named = [("content-type", content_type), *headers]
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/invocations",
        "headers": [(name.encode(), value.encode()) for name, value in named],
        "client": (client, 40_000),
    }
    await invocations(scope, receive, send)
    start, *rest = sent
    body = b"".join(message.get("body", b"") for message in rest)
    answered = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], answered, json.loads(body))


def ask(invocations: Invocations, body: object, **how: Any) -> Answer:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return asyncio.run(post(invocations, sent, **how))


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": ["a"], "params": {"beam_size": 3}},
        {"instances": ["a"], "params": {"beam_size": 3}},
        {"inputs": ["a"], "instances": None, "params": {"beam_size": 3, "length_penalty": 1}},
    ],
)
def test_accepted_requests_are_passed_on_in_one_form(body: object) -> None:
    translator = FakeTranslator()
    assert ask(served(translator), body).status == 200
    [request] = translator.requests
    assert request.sentences == ["a"]
    assert translator.clients == ["192.0.2.7"]
    assert request.settings == TranslationOptions(beam_size=3, length_penalty=1.0)


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
        ({**GOOD, "params": {"length_penalty": 1000}}, 400, "length_penalty is 1000: should be le"),
        ({**GOOD, "params": {"length_penalty": 10**400}}, 400, "params.length_penalty is 1000"),
        ({**GOOD, "params": {"length_penalty": -1}}, 400, "params.length_penalty is -1: should be"),
        ({"inputs": ["a"] * 4}, 413, "4 sentences, and the limit is 3"),
        ({"inputs": ["ñ" * 20] * 2}, 413, "40 characters, and the limit is 30"),
        ({"inputs": ["a" * 21, "😀" * 9 + "a" * 5]}, 413, "35 characters, and the limit is 30"),
        (
            {"inputs": ["a", "😀" * 21]},
            413,
            "inputs.1 has 84 bytes in UTF-8, and the limit of a sentence is 80: divide it",
        ),
        (
            {"instances": ["a", "", "b" * 200]},
            413,
            "instances.2 has 200 bytes in UTF-8, and the limit of a sentence is 80: divide it",
        ),
        (
            {"inputs": ["a"] * 3, "params": {"beam_size": 3}},
            413,
            "9 sentences by beams, and the limit is 6: send less at once, or lower beam_size and",
        ),
        (
            {"inputs": ["a"] * 2, "params": {"n_best": 4}},
            413,
            "8 sentences by beams, and the limit is 6",
        ),
        (
            {"inputs": ["a" * 20, "a"], "params": {"beam_size": 3}},
            413,
            "63 characters by beams, and the limit is 60",
        ),
    ],
)
def test_wrong_or_too_large_requests_are_refused_with_the_reason(
    body: object, status: int, message: str
) -> None:
    translator = FakeTranslator()
    answer = ask(served(translator), body)
    assert answer.status == status
    assert message in answer.body["message"]
    assert translator.requests == []


def test_a_line_of_100_000_characters_is_refused_and_named() -> None:
    with pytest.raises(RefusedError) as caught:
        TranslationRequests(Limits(), DEFAULTS).read(
            json.dumps({"inputs": ["a", "x" * 100_000]}).encode()
        )
    assert caught.value.status == 413
    assert caught.value.message == (
        "inputs.1 has 100,000 bytes in UTF-8, and the limit of a sentence is 1,000: divide it"
    )


def test_requests_at_exactly_the_limits_pass() -> None:
    translator = FakeTranslator()
    full = {"inputs": ["😀" * 20, "😀" * 10, ""], "params": {"n_best": 2, "length_penalty": 10}}
    assert ask(served(translator), full).status == 200


def test_a_request_of_fewer_sentences_may_have_more_beams_and_one_sentence_all_of_them() -> None:
    translator = FakeTranslator()
    two = {"inputs": ["a" * 10] * 2, "params": {"beam_size": 3}}
    one = {"inputs": ["a" * 20], "params": {"beam_size": 16}}
    assert ask(served(translator), two).status == 200
    assert ask(served(translator), one).status == 200


def test_a_body_over_the_limit_is_never_held_in_memory() -> None:
    chunk = b"x" * 50_000
    tracemalloc.start()
    answer = asyncio.run(post(served(FakeTranslator()), *[chunk] * 200))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status == 413
    assert f"the body is over {LIMITS.body_bytes:,} bytes" in answer.body["message"]
    # the body has 200 chunks, and the test itself holds one
    assert peak_bytes < 10 * len(chunk)


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
    assert ask(served(FakeTranslator()), GOOD, **how).status == 415
    assert (
        ask(served(FakeTranslator()), GOOD, content_type="Application/JSON; charset=UTF-8").status
        == 200
    )


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    assert asyncio.run(post(served(FakeTranslator()), b'{"inputs": [', stalls=True)).status == 408


def test_a_request_that_takes_too_long_is_answered_with_a_retry_time() -> None:
    translator = FakeTranslator()
    translator.hangs = True
    answer = ask(served(translator), GOOD)
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert "no answer within 0.05 s" in answer.body["message"]
    assert translator.awaited[0].cancelled()


def test_a_client_that_leaves_frees_its_place_at_once_and_is_not_translated() -> None:
    translator = FakeTranslator()
    translator.hangs = True
    invocations = served(translator, LIMITS._replace(requests=1, timeout_s=30.0))
    body = json.dumps(GOOD).encode()

    async def one_leaves_and_another_comes() -> Answer:
        async with asyncio.timeout(10):
            await post(invocations, body, leaves=True)
            await asyncio.sleep(0)  # the loop hands the cancellation on in its next turn
            assert translator.awaited[0].cancelled()
            translator.hangs = False
            return await post(invocations, body)

    assert asyncio.run(one_leaves_and_another_comes()).status == 200


def test_requests_that_wait_when_the_server_stops_are_answered_with_the_reason() -> None:
    translator = FakeTranslator()
    translator.hangs = True
    invocations = served(translator, LIMITS._replace(timeout_s=30.0))

    async def stopped() -> Answer:
        asked = asyncio.create_task(post(invocations, json.dumps(GOOD).encode()))
        while not translator.requests:
            await asyncio.sleep(0)
        asked.cancel()
        return await asked

    answer = asyncio.run(stopped())
    assert (answer.status, answer.body["message"]) == (503, "the server is stopping")
    assert translator.awaited[0].cancelled()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"inputs": [1] * 80_000}, "inputs.0 is 1"),
        ({f"k{number}": 1 for number in range(19_000)}, "k0 is not known here"),
        ({**GOOD, "params": {f"k{number}": 1 for number in range(19_000)}}, "params.k0 is not"),
    ],
)
def test_only_the_first_of_many_errors_is_reported(body: object, message: str) -> None:
    requests = TranslationRequests(Limits(), DEFAULTS)
    content = json.dumps(body).encode()
    assert len(content) < Limits().body_bytes
    tracemalloc.start()
    with pytest.raises(RefusedError, match=message):
        requests.read(content)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 40 * len(content)


def test_a_request_over_the_limit_is_refused_with_a_retry_time_and_the_others_are_answered() -> (
    None
):
    translator = FakeTranslator()
    invocations = served(translator, LIMITS._replace(requests=2, timeout_s=5.0))
    body = json.dumps(GOOD).encode()

    async def three_and_one() -> list[Answer]:
        at_once = await asyncio.gather(*(post(invocations, body) for _ in range(3)))
        return [*at_once, await post(invocations, body)]

    *at_once, later = asyncio.run(three_and_one())
    assert sorted(answer.status for answer in at_once) == [200, 200, 503]
    assert later.status == 200


def test_a_client_with_many_requests_does_not_keep_out_the_first_request_of_another() -> None:
    translator = FakeTranslator()
    translator.hangs = True
    invocations = served(translator, LIMITS._replace(requests=2, timeout_s=0.5))
    body = json.dumps(GOOD).encode()
    clients = ["a", "a", "a", "b", "b", "c", "d"]

    async def all_at_once() -> list[str]:
        answers = await asyncio.gather(*(post(invocations, body, client=one) for one in clients))
        return [answer.body["message"] for answer in answers]

    messages = asyncio.run(all_at_once())
    admitted = [message.startswith("no answer within") for message in messages]
    assert admitted == [True, True, False, True, False, True, False]
    assert not invocations.inside


def test_before_the_model_is_ready_nothing_passes() -> None:
    assert ask(served(FakeTranslator(), ready=False), GOOD).status == 503


class Panic(BaseException):
    """As a Rust library's, which is no Exception."""


@pytest.mark.parametrize("fault", [ValueError("what failed"), Panic("what failed")])
def test_a_fault_inside_is_logged_and_the_client_sees_no_traceback(
    fault: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = ask(served(FakeTranslator(fault)), GOOD)
    assert answer.status == 500
    assert answer.body == {"error_code": "INTERNAL_ERROR", "message": "see the server's log"}
    logged = capsys.readouterr().err
    assert logged.startswith("error: Traceback")
    assert logged.endswith(f"{type(fault).__name__}: what failed\n")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_lacks_are_null(number: float) -> None:
    one = {"translation": "ñ", "score": number, "n_best": [{"score": number}, {"score": -0.5}]}

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    body = predictions([one, "b"]).body
    assert json.loads(bytes(body), parse_constant=refuse) == {
        "predictions": [
            {"translation": "ñ", "score": None, "n_best": [{"score": None}, {"score": -0.5}]},
            "b",
        ]
    }
    assert b"NaN" not in document({"bleu": float("nan")}).body


def test_a_sentence_is_measured_as_sent_and_as_the_model_reads_it() -> None:
    requests = TranslationRequests(
        Limits(sentence_bytes=30), DEFAULTS, Normaliser(["nfc", "white_space"])
    )
    request = requests.read(json.dumps({"inputs": [" the\u00a0door "]}).encode())
    assert request.sentences == [" the\u00a0door "] and request.normalised == ["the door"]
    longer = "\U0001d160" * 7  # 4 bytes each, and 12 in NFC
    for sentence, size in ((" " * 31, 31), (longer, 84)):
        with pytest.raises(RefusedError, match=f"inputs.0 has {size} bytes in UTF-8"):
            requests.read(json.dumps({"inputs": [sentence]}).encode())
