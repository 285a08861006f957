"""Answers to requests, byte for byte, on which clients of MLflow's scoring server rely."""

from __future__ import annotations

import http.client
import json
from importlib.metadata import version

import pytest

from tests.serving.http_clients import NAME, SENTENCES

JSON = "application/json"
OPEN, NEVER = SENTENCES[0], SENTENCES[2]
ONE_OF_THEM = (
    'one of "inputs" and "instances" must be a list of sentences, such as '
    '{"inputs": ["Could not connect."]}'
)
SEND_JSON = "send content-type application/json, in UTF-8"


def exchange(
    port: int, method: str, path: str, body: bytes, headers: dict[str, str]
) -> tuple[int, str | None, bytes]:
    """Status, content type and the very bytes of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        assert answer.headers["tracelate-model"] == f"{NAME}/1"
        return answer.status, answer.headers["content-type"], answer.read()
    finally:
        connection.close()


def refused(code: str, message: str) -> bytes:
    return f'{{"error_code":"{code}","message":"{message}"}}'.encode()


def wrong(message: str) -> bytes:
    return refused("INVALID_PARAMETER_VALUE", message.replace('"', '\\"'))


def not_known(name: str) -> bytes:
    return wrong(f"{name} is not known here: inputs, instances, params are")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "answer"),
    [
        (b'{"inputs": []}', JSON, 200, b'{"predictions": []}'),
        (b'{"instances": []}', JSON, 200, b'{"predictions": []}'),
        (b'{"inputs": [], "params": null}', JSON, 200, b'{"predictions": []}'),
        (b'{"inputs": [], "params": {"n_best": 2}}', JSON, 200, b'{"predictions": []}'),
        (b'{"inputs": []}', "application/json; charset=utf-8", 200, b'{"predictions": []}'),
        (
            b"",
            JSON,
            400,
            wrong("the body is no JSON: EOF while parsing a value at line 1 column 0"),
        ),
        (
            b'{"inputs": ["a"',
            JSON,
            400,
            wrong("the body is no JSON: EOF while parsing a list at line 1 column 15"),
        ),
        (b"[]", JSON, 400, wrong("the body should be an object")),
        (b"{}", JSON, 400, wrong(ONE_OF_THEM)),
        (b'{"inputs": ["a"], "instances": ["a"]}', JSON, 400, wrong(ONE_OF_THEM)),
        (b'{"inputs": "a"}', JSON, 400, wrong("inputs is 'a': should be a valid array")),
        (b'{"inputs": [5]}', JSON, 400, wrong("inputs.0 is 5: should be a valid string")),
        (b'{"inputs": [null]}', JSON, 400, wrong("inputs.0 is None: should be a valid string")),
        (
            b'{"dataframe_split": {"columns": ["text"], "data": [["a"]]}}',
            JSON,
            400,
            not_known("dataframe_split"),
        ),
        (b'{"dataframe_records": [{"text": "a"}]}', JSON, 400, not_known("dataframe_records")),
        (b'{"messages": []}', JSON, 400, not_known("messages")),
        (
            b'{"inputs": ["a"], "params": {"top_k": 3}}',
            JSON,
            400,
            wrong(
                "params.top_k is not known here: "
                "beam_size, length_penalty, n_best, with_scores, with_alignment are"
            ),
        ),
        (
            b'{"inputs": ["a"], "params": {"beam_size": "2"}}',
            JSON,
            400,
            wrong("params.beam_size is '2': should be a valid integer"),
        ),
        (
            b'{"inputs": ["a"], "params": {"beam_size": 17}}',
            JSON,
            400,
            wrong("params.beam_size is 17, and the limit is 16"),
        ),
        (b"text\na\n", "text/csv", 415, refused("BAD_REQUEST", SEND_JSON)),
        (b"PAR1", "application/vnd.apache.parquet", 415, refused("BAD_REQUEST", SEND_JSON)),
        (b"a", "text/plain", 415, refused("BAD_REQUEST", SEND_JSON)),
        (b'{"inputs": []}', "", 415, refused("BAD_REQUEST", SEND_JSON)),
        (
            b'{"inputs": []}',
            "application/json; charset=latin-1",
            415,
            refused("BAD_REQUEST", SEND_JSON),
        ),
        (
            b'{"inputs": [' + b'"a", ' * 256 + b'"a"]}',
            JSON,
            413,
            refused(
                "REQUEST_LIMIT_EXCEEDED", "257 sentences, and the limit is 256: send less at once"
            ),
        ),
    ],
)
def test_each_request_is_answered_byte_for_byte_as_ever(
    port: int, body: bytes, content_type: str, status: int, answer: bytes
) -> None:
    headers = {"content-type": content_type}
    assert exchange(port, "POST", "/invocations", body, headers) == (status, JSON, answer)


@pytest.mark.parametrize(
    ("method", "path", "status", "content_type", "answer"),
    [
        ("GET", "/ping", 200, None, b"\n"),
        ("GET", "/health", 200, None, b"\n"),
        ("GET", "/version", 200, JSON, version("mlflow").encode()),
        ("GET", "/invocations", 405, JSON, refused("BAD_REQUEST", "Method Not Allowed")),
        ("POST", "/version", 405, JSON, refused("BAD_REQUEST", "Method Not Allowed")),
        ("GET", "/", 404, JSON, refused("ENDPOINT_NOT_FOUND", "Not Found")),
        ("GET", "/docs", 404, JSON, refused("ENDPOINT_NOT_FOUND", "Not Found")),
    ],
)
def test_the_other_addresses_are_answered_byte_for_byte_as_ever(
    port: int, method: str, path: str, status: int, content_type: str | None, answer: bytes
) -> None:
    assert exchange(port, method, path, b"", {}) == (status, content_type, answer)


@pytest.mark.parametrize("key", ["inputs", "instances"])
def test_predictions_are_a_list_of_texts_in_ascii_json(
    port: int, alone: dict[int, dict[str, str]], key: str
) -> None:
    body = f'{{"{key}": ["{OPEN}", "{NEVER}"], "params": {{"beam_size": 1}}}}'.encode()
    status, content_type, content = exchange(
        port, "POST", "/invocations", body, {"content-type": JSON}
    )
    assert (status, content_type) == (200, JSON)
    texts = ", ".join(json.dumps(alone[1][one]) for one in (OPEN, NEVER))
    assert content == f'{{"predictions": [{texts}]}}'.encode()


def test_predictions_are_objects_where_more_than_a_text_is_asked_for(
    port: int, alone: dict[int, dict[str, str]]
) -> None:
    body = f'{{"inputs": ["{NEVER}"], "params": {{"with_scores": true}}}}'.encode()
    _, _, content = exchange(port, "POST", "/invocations", body, {"content-type": JSON})
    start = f'{{"predictions": [{{"translation": {json.dumps(alone[2][NEVER])}, "score": -'
    assert content.startswith(start.encode())
    assert content.endswith(b"}]}")
