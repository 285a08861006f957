"""Names under which a server answers."""

from __future__ import annotations

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Scope

from tests.serving.http_clients import ask
from tracelate.serving.hosts import AllowedHosts


async def status(host: str | None, server: tuple[str, int] = ("127.0.0.1", 5001)) -> int:
    """That of the answer to a request with this Host header, which came to that address."""

    async def answer(_: Request) -> Response:
        return Response("")

    app = Starlette(
        routes=[Route("/", answer)],
        middleware=[Middleware(AllowedHosts, ["192.0.2.1", "Translate.example.org"])],
    )
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [] if host is None else [(b"host", host.encode("latin-1"))]
    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": headers,
        "server": server,
    }
    await app(scope, receive, send)
    return int(sent[0]["status"])


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.:5001",
        "127.0.0.1:5001",
        "[::1]:5001",
        "[0:0:0:0:0:0:0:1]",
        "192.0.2.1",
        "translate.example.org:443",
        None,
    ],
)
def test_names_of_this_machine_and_those_that_were_allowed_are_answered(host: str | None) -> None:
    assert asyncio.run(status(host)) == 200


@pytest.mark.parametrize(
    "host",
    [
        "attacker.example",
        "attacker.example:5001",
        "localhost.attacker.example",
        "attacker@localhost",
        "localhost/attacker",
        "127.0.0.1.attacker.example",
        "192.0.2.2",
        "[::1",
        "::1",
        "",
        "ñ",
    ],
)
def test_other_names_are_refused(host: str) -> None:
    assert asyncio.run(status(host)) == 421


@pytest.mark.parametrize(
    ("host", "server"),
    [("10.1.2.3", "10.1.2.3"), ("10.1.2.3:80", "::ffff:10.1.2.3"), ("[fd00::2]:80", "fd00::2")],
)
def test_the_address_to_which_the_client_has_connected_is_answered(host: str, server: str) -> None:
    assert asyncio.run(status(host, (server, 5001))) == 200


@pytest.mark.parametrize("path", ["/ping", "/model", "/nowhere"])
def test_a_page_of_another_site_receives_nothing_from_the_server(port: int, path: str) -> None:
    answer = ask(port, "GET", path, headers={"host": f"attacker.example:{port}"})
    assert answer.status == 421
    assert answer.body == {
        "error_code": "BAD_REQUEST",
        "message": f"'attacker.example:{port}' is not a name of this server: use its address, or "
        "start it with this name as --allowed-host",
    }
