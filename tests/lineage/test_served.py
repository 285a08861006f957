"""Addresses and answers of servers that are broken or hostile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tracelate.errors import InputError
from tracelate.lineage import served
from tracelate.lineage.served import read_model_document

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def server(answer: Answer, host: str = "127.0.0.1") -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(OSError):
                answer(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    running = ThreadingHTTPServer((host, 0), Handler)
    running.daemon_threads = True
    thread = Thread(target=running.serve_forever)
    thread.start()
    try:
        yield f"http://{host}:{running.server_port}"
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


def text(content: bytes, kind: str = "application/json", **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def refusal(address: str) -> str:
    with pytest.raises(InputError) as error:
        read_model_document(address)
    [line] = str(error.value).splitlines()
    assert line.isascii() and "password" not in line.partition("(")[0]
    return line


def refused(answer: Answer) -> str:
    with server(answer) as address:
        return refusal(address)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("ftp://127.0.0.1/x", "neither http"),
        ("file:///etc/passwd", "neither http"),
        ("127.0.0.1:5001", "neither http"),
        ("http://", "no host"),
        ("http:///model", "no host"),
        ("http://:5001", "no host"),
        ("http://user:password@127.0.0.1", "no users"),
        ("http://@127.0.0.1", "no users"),
        ("http://127.0.0.1:99999", "out of range"),
        ("http://127.0.0.1:-1", "Port could not be cast"),
        ("http://127.0.0.1:0", "port is not between"),
        ("http://127.0.0.1:", "port is not between"),
        ("http://127.0.0.1:port", "Port could not be cast"),
        ("http://[::1", "Invalid IPv6"),
        ("http://[zz::1]:80", "IP"),
        ("http://münchen.example", "characters"),
        ("http://127.0.0.1\n.example.org", "characters"),
        ("http://127.0.0.1/a b", "characters"),
        ("http://127.0.0.1\\@example.org", "characters"),
        ("http://127.0.0.1?x=", "query"),
        ("http://127.0.0.1#x", "fragment"),
        ("", "neither http"),
    ],
)
def test_an_address_of_no_server_is_refused_without_a_request(
    monkeypatch: pytest.MonkeyPatch, address: str, reason: str
) -> None:
    monkeypatch.setattr(served, "_fetch", lambda _: pytest.fail("a request was made"))
    if "?" in address:
        address += "1"
    line = refusal(address)
    assert "is no address of a server" in line and reason in line


def test_an_answer_is_read_also_over_ipv6_and_a_redirect_within_the_host() -> None:
    document: dict[str, object] = {"lineage": {}}
    good = text(json.dumps(document).encode(), "application/json; charset=utf-8")
    with server(good) as address:
        assert read_model_document(address) == read_model_document(f"{address}/") == document

    def moved(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/there":
            good(handler)
            return
        handler.send_response(302)
        handler.send_header("Location", "/there")
        handler.end_headers()

    with server(moved) as address:
        assert read_model_document(address) == document


@pytest.mark.parametrize(
    "place", ["http://localhost:{port}/model", "file:///etc/passwd", "ftp://x/"]
)
def test_a_redirect_to_another_host_is_refused(place: str) -> None:
    asked = []

    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.headers["Host"])
        handler.send_response(302)
        handler.send_header("Location", place.format(port=handler.server.server_port))  # type: ignore[attr-defined]
        handler.end_headers()

    line = refused(elsewhere)
    assert "redirect" in line.lower() or "not allowed" in line
    assert len(asked) == 1 and asked[0].startswith("127.0.0.1")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "Expecting"),
        (b"[]", "not a JSON object"),
        (b"7", "not a JSON object"),
        (b'{"a": NaN}', "NaN is not a finite number"),
        (b'{"a": -Infinity}', "-Infinity is not a finite"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "Exceeds the limit"),
        (b'{"a":' * 200_000, "recursion"),
        (b'{"a": 1e999}', "1e999 is not a finite number"),
        (b"\xff\xfe\xfd", ""),
        (b"", "Expecting"),
    ],
)
def test_an_answer_that_is_no_json_object_is_refused(content: bytes, reason: str) -> None:
    line = refused(text(content))
    assert "does not answer with a model" in line and reason in line


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "", "application/octet-stream"])
def test_an_answer_of_another_type_is_refused(kind: str) -> None:
    assert "its answer has the type" in refused(text(b"{}", kind))


def test_a_status_of_failure_is_refused() -> None:
    assert "HTTP Error 500" in refused(lambda handler: handler.send_error(500))


def test_an_endless_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "MAX_ANSWER_BYTES", 100_000)

    def endless(handler: BaseHTTPRequestHandler) -> None:
        text(b"{")(handler)
        while True:
            handler.wfile.write(b" " * 2**16)

    assert "more than 100,000 bytes" in refused(endless)


@pytest.mark.parametrize("part", ["body", "headers"])
def test_a_dripping_answer_ends_after_a_total_time(
    monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(served, "TOTAL_S", 0.5)

    def dripping(handler: BaseHTTPRequestHandler) -> None:
        if part == "body":
            text(b"{")(handler)
        for _ in range(100):
            handler.wfile.write(b" ")
            time.sleep(0.05)

    began_s = time.monotonic()
    assert "no whole answer in 0.5 s" in refused(dripping)
    assert time.monotonic() - began_s < 4
