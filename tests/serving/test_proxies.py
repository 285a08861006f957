"""Proxies that name the clients of a server: only those that it was told of are believed."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from tracelate.errors import InputError
from tracelate.serving import server
from tracelate.serving.hosts import check_proxies
from tracelate.serving.limits import Limits
from tracelate.serving.open_files import ConnectionLimits
from tracelate.serving.server import server_config


def client(proxies: list[str], peer: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Address of the client of a request from `peer` that names 192.0.2.7 as its client."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["client"][0])

    monkeypatch.setattr(server, "make_app", lambda *_: app)
    model: Any = SimpleNamespace(
        source=SimpleNamespace(title="a/1"), lineage=SimpleNamespace(weights_sha256="ab")
    )
    config = server_config(model, Limits(), ConnectionLimits(8, 8), [], proxies)
    config.load()
    headers = [(b"x-forwarded-for", b"192.0.2.7")]
    scope = {"type": "http", "client": (peer, 4000), "headers": headers, "scheme": "http"}
    asyncio.run(config.loaded_app(scope, None, None))
    return seen[0]


@pytest.mark.parametrize(
    ("proxies", "peer", "expected"),
    [
        ([], "127.0.0.1", "127.0.0.1"),
        (["127.0.0.1"], "127.0.0.1", "192.0.2.7"),
        (["127.0.0.1"], "127.0.0.2", "127.0.0.2"),
        (["10.0.0.0/24"], "10.0.0.9", "192.0.2.7"),
        (["10.0.0.0/24"], "10.0.1.9", "10.0.1.9"),
    ],
)
def test_the_client_is_the_one_that_a_trusted_proxy_names(
    proxies: list[str], peer: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert client(proxies, peer, monkeypatch) == expected


@pytest.mark.parametrize("address", ["*", "proxy.example.org", "", "10.0.0.0/99"])
def test_what_is_no_address_is_refused(address: str) -> None:
    assert check_proxies(["127.0.0.1", "::1", "10.0.0.0/8"])
    with pytest.raises(InputError, match="neither an address nor a network: name the proxy's"):
        check_proxies([address])
