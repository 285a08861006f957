"""Downloads from a local server that breaks off, lies about its file, or has no end."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.corpus.sources.file_server import FileServer, Request, file_server, head, send
from tracelate.corpus.sources import http_download
from tracelate.corpus.sources.http_download import MAX_FAILURES, Remote, download, locked_part
from tracelate.errors import InputError

CONTENT = random.Random(1).randbytes(300_000)
LIMIT = 1_000_000


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setattr(http_download, "BACKOFF_S", 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with file_server() as served:
        yield served


def fetch(
    server: FileServer, folder: Path, *, has_hash: bool = True, path: str = "/a.zip"
) -> bytes:
    remote = Remote(server.address + path, LIMIT, "download.archive", has_hash)
    with locked_part(folder / "name") as part:
        download(remote, part)
        return part.read_bytes()


def refusal(server: FileServer, folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        fetch(server, folder)
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"cannot fetch {server.address}/a.zip (download.archive.address): ")
    return line


def test_a_file_is_fetched_whole(server: FileServer, tmp_path: Path) -> None:
    server.answer = send(CONTENT)
    assert fetch(server, tmp_path) == CONTENT
    [request] = server.requests
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.headers["User-Agent"].startswith("tracelate/")


@pytest.mark.parametrize("has_hash", [True, False])
def test_a_download_that_breaks_off_goes_on_where_it_ended(
    server: FileServer, tmp_path: Path, has_hash: bool
) -> None:
    server.answer = send(CONTENT, break_after=100_000)
    assert fetch(server, tmp_path, has_hash=has_hash) == CONTENT
    assert [request.begin for request in server.requests] == [0, 100_000, 200_000]
    assert server.requests[1].headers["If-Range"] == '"one"'


def test_a_later_process_goes_on_where_an_earlier_one_was_killed(
    server: FileServer, tmp_path: Path
) -> None:
    server.answer = send(CONTENT)
    fetch(server, tmp_path)
    part = tmp_path / "name.part"
    part.write_bytes(CONTENT[:1_000])
    assert fetch(server, tmp_path) == CONTENT
    assert [request.begin for request in server.requests] == [0, 1_000]


def test_a_part_that_is_whole_is_not_fetched_again(server: FileServer, tmp_path: Path) -> None:
    server.answer = send(CONTENT)
    fetch(server, tmp_path)
    assert fetch(server, tmp_path) == CONTENT
    assert server.requests[1].begin == len(CONTENT)


def test_a_file_that_has_changed_meanwhile_is_fetched_from_its_beginning(
    server: FileServer, tmp_path: Path
) -> None:
    old, new = send(CONTENT, break_after=100_000), send(CONTENT[::-1], tag='"two"')

    def answer(handler: BaseHTTPRequestHandler, request: Request, number: int) -> None:
        (old if number == 0 else new)(handler, request, number)

    server.answer = answer
    assert fetch(server, tmp_path) == CONTENT[::-1]


def test_a_server_that_ignores_range_is_asked_for_the_whole(
    server: FileServer, tmp_path: Path
) -> None:
    def answer(handler: BaseHTTPRequestHandler, request: Request, number: int) -> None:
        head(handler, 200, Content_Length=len(CONTENT))
        handler.wfile.write(CONTENT[: 100_000 if number == 0 else None])

    server.answer = answer
    assert fetch(server, tmp_path) == CONTENT
    assert len(server.requests) == 2


def test_without_a_hash_and_a_name_of_its_state_no_part_is_joined(
    server: FileServer, tmp_path: Path
) -> None:
    def answer(handler: BaseHTTPRequestHandler, request: Request, number: int) -> None:
        assert "Range" not in request.headers
        head(handler, 200, Content_Length=len(CONTENT))
        handler.wfile.write(CONTENT[: 100_000 if number == 0 else None])

    server.answer = answer
    assert fetch(server, tmp_path, has_hash=False) == CONTENT


def test_another_part_than_was_asked_for_is_not_used(server: FileServer, tmp_path: Path) -> None:
    whole = send(CONTENT)

    def answer(handler: BaseHTTPRequestHandler, request: Request, number: int) -> None:
        if number == 0:
            head(handler, 200, Content_Length=len(CONTENT))
            handler.wfile.write(CONTENT[:1_000])
        elif number == 1:
            head(handler, 206, Content_Range=f"bytes 5-9/{len(CONTENT)}", Content_Length=5)
            handler.wfile.write(b"wrong")
        else:
            whole(handler, request, number)

    server.answer = answer
    assert fetch(server, tmp_path) == CONTENT


def test_a_server_that_sends_less_than_it_says_is_given_up(
    server: FileServer, tmp_path: Path
) -> None:
    def answer(handler: BaseHTTPRequestHandler, request: Request, number: int) -> None:
        head(handler, 200, Content_Length=len(CONTENT))
        handler.wfile.write(CONTENT[:1_000])

    server.answer = answer
    assert "the connection broke after 1,000 bytes, 5 times" in refusal(server, tmp_path)
    assert len(server.requests) == MAX_FAILURES


def test_a_server_that_is_overloaded_is_asked_again(server: FileServer, tmp_path: Path) -> None:
    whole = send(CONTENT)

    def answer(handler: BaseHTTPRequestHandler, request: Request, number: int) -> None:
        if number < 3:
            head(handler, (503, 429, 500)[number], Content_Length=0, Retry_After="0")
        else:
            whole(handler, request, number)

    server.answer = answer
    assert fetch(server, tmp_path) == CONTENT


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_server_that_has_no_such_file_is_not_asked_again(
    server: FileServer, tmp_path: Path, status: int
) -> None:
    server.answer = lambda handler, request, number: head(handler, status, Content_Length=0)
    assert f"the server answers {status}" in refusal(server, tmp_path)
    assert len(server.requests) == 1
    assert list(tmp_path.iterdir()) == []


def test_redirects_are_followed_to_http_alone(server: FileServer, tmp_path: Path) -> None:
    whole = send(CONTENT)

    def answer(handler: BaseHTTPRequestHandler, request: Request, number: int) -> None:
        if request.path == "/a.zip":
            head(handler, 302, Location=targets[-1], Content_Length=0)
        else:
            whole(handler, request, number)

    server.answer = answer
    targets = [f"{server.address}/other"]
    assert fetch(server, tmp_path) == CONTENT
    (tmp_path / "name.part").unlink()
    for target in ("file:///etc/passwd", "ftp://127.0.0.1/a"):
        targets.append(target)
        reason = f"it leads to '{target}', which is no http(s) address"
        assert reason in refusal(server, tmp_path)
    targets.append(f"{server.address}/a.zip")
    assert "it leads on more than 10 times" in refusal(server, tmp_path)


def test_the_body_of_a_redirect_is_not_read(server: FileServer, tmp_path: Path) -> None:
    whole = send(CONTENT)

    def answer(handler: BaseHTTPRequestHandler, request: Request, number: int) -> None:
        if request.path == "/a.zip":
            head(handler, 302, Location="/other")
            for _ in range(100):
                handler.wfile.write(bytes(2**20))
            written.append(True)
            return
        whole(handler, request, number)

    written: list[bool] = []
    server.answer = answer
    assert fetch(server, tmp_path) == CONTENT
    assert not written


@pytest.mark.parametrize("length", ["9" * 5_000, "-1", "many"])
def test_a_length_that_is_no_number_is_not_used(
    server: FileServer, tmp_path: Path, length: str
) -> None:
    def answer(handler: BaseHTTPRequestHandler, request: Request, number: int) -> None:
        head(handler, 503 if number == 0 else 200, Content_Range=f"bytes 0-1/{length}",
             Retry_After=length)  # fmt: skip
        handler.wfile.write(CONTENT)

    server.answer = answer
    assert fetch(server, tmp_path) == CONTENT


def test_a_file_above_the_limit_is_refused_before_it_is_fetched(
    server: FileServer, tmp_path: Path
) -> None:
    server.answer = send(b"x" * (LIMIT + 1))
    assert "it is larger than download.archive.max_megabytes, 1" in refusal(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_end_is_refused_at_the_limit(server: FileServer, tmp_path: Path) -> None:
    def answer(handler: BaseHTTPRequestHandler, request: Request, number: int) -> None:
        head(handler, 200)
        while True:
            handler.wfile.write(b"x" * 10_000)

    server.answer = answer
    assert "it is larger than download.archive.max_megabytes, 1" in refusal(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_sends_nothing_is_given_up(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_download, "READ_TIMEOUT_S", 0.05)
    monkeypatch.setattr(http_download, "MAX_FAILURES", 2)

    def answer(handler: BaseHTTPRequestHandler, request: Request, number: int) -> None:
        head(handler, 200, Content_Length=5)
        if not done.wait(5):
            handler.wfile.write(b"12345")

    done = threading.Event()
    server.answer = answer
    try:
        assert "the connection broke after 0 bytes, 2 times" in refusal(server, tmp_path)
    finally:
        done.set()


def test_a_server_that_is_not_there_is_named_with_the_reason(tmp_path: Path) -> None:
    with file_server() as gone:
        pass
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http_download, "BACKOFF_S", 0.0)
        patch.setenv("NO_PROXY", "127.0.0.1")
        assert "cannot be reached (Connection refused), 5 times" in refusal(gone, tmp_path)


def test_a_proxy_of_the_environment_is_used(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer = send(CONTENT)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTP_PROXY", server.address)
    monkeypatch.setenv("http_proxy", server.address)
    remote = Remote("http://corpora.invalid/a.zip", LIMIT, "download.archive", True)
    with locked_part(tmp_path / "name") as part:
        download(remote, part)
    assert server.requests[0].path == "http://corpora.invalid/a.zip"
