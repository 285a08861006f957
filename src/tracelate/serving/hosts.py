"""Names under which a server answers, and proxies that name its clients."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from ipaddress import ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tracelate.errors import InputError
from tracelate.serving.answers import refusal
from tracelate.serving.limits import shown

LOCAL = ("127.0.0.1", "localhost", "::1")
HOST = re.compile(r"(?:\[([^\]]*)\]|([^:]*))(?::\d*)?")
"""The header: a name or an address, that of IPv6 in brackets, and a port."""


class AllowedHosts:
    """ASGI middleware that refuses requests to any other name, with 421.

    A page of another site can make a browser on this machine connect here under that site's name,
    for which it lets its DNS name this address (DNS rebinding), and read the answers. Allowed are
    names of this machine, the address to which the client has connected, and `names`.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self.app = app
        self.names = {_normal(name) for name in (*LOCAL, *names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # HTTP/1.0 has requests without a host, and browsers do not speak it
            host = Headers(scope=scope).get("host")
            if host is not None and not self._allows(host, scope["server"]):
                answer = refusal(
                    HTTPStatus.MISDIRECTED_REQUEST,
                    f"{shown(repr(host))} is not a name of this server: use its address, or start "
                    "it with this name as --allowed-host",
                )
                await answer(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _allows(self, host: str, server: tuple[str, int | None] | None) -> bool:
        parts = HOST.fullmatch(host)
        if not parts:
            return False
        name = _normal(parts[1] or parts[2] or "")
        return name in self.names or (server is not None and name == _normal(server[0]))


def check_proxies(addresses: Iterable[str]) -> list[str]:
    """Returns addresses and networks of proxies. Raises InputError if one is neither."""
    checked = list(addresses)
    for address in checked:
        try:
            ip_network(address)
        except ValueError as error:
            raise InputError(
                f"--trusted-proxy {shown(repr(address))} is neither an address nor a network: "
                "name the proxy's address, such as 127.0.0.1 or 10.0.0.0/24"
            ) from error
    return checked


def _normal(name: str) -> str:
    """The form in which names are compared."""
    try:
        address = ip_address(name)
    except ValueError:
        return name.lower().removesuffix(".")
    # an IPv4 client of an IPv6 socket
    return str(getattr(address, "ipv4_mapped", None) or address)
