"""The answer of a server to GET /model, within limits of size and time.

The address comes from a user, and the answer from a server that may be broken or hostile.
"""

from __future__ import annotations

import queue
import threading
import time
import urllib.request
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import SplitResult, urlsplit

from tracelate.credentials import address_without_credentials
from tracelate.errors import InputError
from tracelate.files import parse_json

MAX_ANSWER_BYTES = 8 * 2**20
"""Largest answer; that of `tracelate serve` has some ten kilobytes."""
SILENCE_S = 10
"""Longest time without a byte from the server."""
TOTAL_S = 30
"""Longest time of the whole answer, which a server that sends a byte now and then would extend."""
CHUNK_BYTES = 2**16


def read_model_document(address: str) -> dict[str, Any]:
    """Returns what the server at `address` answers to GET /model.

    Raises InputError if the address is malformed, or if the answer is late, too large, redirected
    to another host, or no JSON object.
    """
    url = _model_url(address)
    results: queue.Queue[dict[str, Any] | Exception] = queue.Queue(1)

    def fetch() -> None:
        try:
            results.put(_fetch(url))
        except Exception as error:
            results.put(error)

    # in a thread, because a look-up of a name and a slow header have no time limit of their own
    threading.Thread(target=fetch, daemon=True).start()
    try:
        result = results.get(timeout=TOTAL_S)
    except queue.Empty:
        result = TimeoutError(f"no whole answer in {TOTAL_S} s")
    if isinstance(result, Exception):
        if not isinstance(result, (OSError, HTTPException, ValueError, RecursionError)):
            raise result
        reason = (str(result) or type(result).__name__).splitlines()[0][:200]
        raise InputError(
            f"{url} does not answer with a model ({reason}): start a server with `tracelate "
            "serve`, or correct the address"
        ) from result
    return result


def _model_url(address: str) -> str:
    """Returns the address of /model. Raises InputError if `address` is no server's."""
    shown = ascii(address_without_credentials(address))
    try:
        parts = urlsplit(address)
        reason = _fault_of(address, parts)
    except ValueError as error:  # a port or an IPv6 address
        reason = str(error)
    if reason is not None:
        raise InputError(
            f"{shown} is no address of a server ({reason}): name it as http://HOST:PORT"
        )
    return f"{address.rstrip('/')}/model"


def _fault_of(address: str, parts: SplitResult) -> str | None:
    # urlsplit removes line breaks, so the address itself is checked
    if not address.isascii() or not address.isprintable() or " " in address or "\\" in address:
        return "it has characters that an address cannot have"
    if parts.scheme not in ("http", "https"):
        return "it begins with neither http:// nor https://"
    if not parts.hostname:
        return "it has no host"
    if "@" in parts.netloc:
        return "`tracelate serve` has no users and passwords"
    if parts.query or parts.fragment:
        return "it has a query or a fragment"
    if parts.port == 0 or parts.netloc.endswith(":"):
        return "its port is not between 1 and 65535"
    return None


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows redirects within a host alone."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        is_downgrade = (before.scheme, after.scheme) == ("https", "http")
        if before.hostname != after.hostname or is_downgrade:
            raise HTTPError(newurl, code, f"it redirects to {newurl[:100]!a}", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _fetch(url: str) -> dict[str, Any]:
    ends_s = time.monotonic() + TOTAL_S
    with urllib.request.build_opener(_SameHost).open(url, timeout=SILENCE_S) as answer:
        if answer.headers.get_content_type() != "application/json":
            raise ValueError(f"its answer has the type {answer.headers.get_content_type()[:50]!a}")
        content = bytearray()
        while chunk := answer.read1(CHUNK_BYTES):
            content += chunk
            if len(content) > MAX_ANSWER_BYTES:
                raise ValueError(f"its answer has more than {MAX_ANSWER_BYTES:,} bytes")
            if time.monotonic() > ends_s:
                raise TimeoutError(f"no whole answer in {TOTAL_S} s")
    document = parse_json(bytes(content))
    if not isinstance(document, dict):
        raise ValueError("its answer is not a JSON object")
    return document
