"""Download of one file over HTTP, which resumes after a break.

Proxies and credentials come from the environment and ~/.netrc, as `requests` reads them. What was
fetched of a file lies beside its final name until it is whole: `NAME.part`, and `NAME.part.json`
with what the server calls this state of the file (RFC 9110, 8.8), so that parts of two states are
not joined.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

from tracelate.errors import InputError
from tracelate.files import parse_json, write_json
from tracelate.version import VERSION

if TYPE_CHECKING:
    from requests import Response, Session

CHUNK_BYTES = 2**16
MEGABYTE = 10**6
CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 20.0, 60.0
"""The latter is the longest time without a byte."""
MAX_REDIRECTS = 10
MAX_FAILURES = 5
"""Failures in a row, without PROGRESS_BYTES between them, after which a download is given up."""
PROGRESS_BYTES = 2**20
BACKOFF_S = 1.0
"""Pause after the first failure; it doubles with each further one."""
MAX_BACKOFF_S = 60.0
RETRIED = {408, 425, 429, 500, 502, 503, 504}
"""Statuses after which the same request may succeed."""


class Remote(NamedTuple):
    """A file at an address."""

    address: str
    max_bytes: int
    setting: str
    """The section of the settings that names it, for messages."""
    has_hash: bool
    """True if the whole is checked later, so that parts may be joined without a name of their
    state."""

    @property
    def name(self) -> str:
        """The last part of the path, such as en-es.txt.zip."""
        return unquote(urlsplit(self.address).path).rstrip("/").rpartition("/")[2] or "file"


class _BreakError(Exception):
    """A failure after which the download may go on; the text is the reason."""

    def __init__(self, reason: str, pause_s: float = 0.0) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


class _Answer(NamedTuple):
    """Part of a file that a server sends, or the whole."""

    response: Response
    begin: int
    """First byte that is sent."""
    total: int | None
    """Size of the whole file; None if the server does not say it."""


@contextmanager
def locked_part(path: Path) -> Iterator[Path]:
    """Yields the file for what is fetched of `path`, once no other process fetches it."""
    part = path.with_name(f"{path.name}.part")
    with part.open("ab") as file:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield part
        finally:
            if not part.exists() or part.stat().st_size == 0:
                part.unlink(missing_ok=True)
                _state_of(part).unlink(missing_ok=True)


def empty_part(part: Path) -> None:
    """Drops what was fetched of a file."""
    _state_of(part).unlink(missing_ok=True)
    if part.exists():
        os.truncate(part, 0)


def download(remote: Remote, part: Path) -> bool:
    """Fetches into `part` what it lacks of the file. Returns True if it had a part of it before.

    Raises InputError if the file cannot be had or has more than `max_bytes`.
    """
    has_resumed = part.exists() and part.stat().st_size > 0
    failures, furthest = 0, 0
    with _session() as session:
        while True:
            try:
                _fetch_rest(session, remote, part)
                return has_resumed
            except _BreakError as failure:
                size = part.stat().st_size if part.exists() else 0
                if size >= furthest + PROGRESS_BYTES:
                    failures, furthest = 0, size
                failures += 1
                if failures >= MAX_FAILURES:
                    raise _cannot_fetch(remote, f"{failure}, {failures} times") from failure
                has_resumed = has_resumed or size > 0
                backoff_s = BACKOFF_S * 2 ** (failures - 1)
                time.sleep(min(MAX_BACKOFF_S, max(backoff_s, failure.pause_s)))


def _session() -> Session:
    import requests  # imported here as those of `_copy`

    class WithoutRedirects(requests.Session):
        """A session that returns a redirect unread, since the library reads all of its body."""

        def get_redirect_target(self, resp: Response) -> None:
            return None

    session = WithoutRedirects()
    session.headers.update({"User-Agent": f"tracelate/{VERSION}", "Accept-Encoding": "identity"})
    return session


def _fetch_rest(session: Session, remote: Remote, part: Path) -> None:
    answer = _ask(session, remote, part)
    if answer is None:
        return
    with answer.response as response:
        _refuse_above_limit(remote, answer.total or 0)
        if answer.begin == 0:
            write_json(_state_of(part), {"state": _state(response)})
        with part.open("ab") as file:
            file.truncate(answer.begin)
            try:
                _copy(remote, answer, file.write)
            except InputError:
                empty_part(part)
                raise
    if answer.total is not None and part.stat().st_size != answer.total:
        raise _BreakError(f"it sent {part.stat().st_size:,} of {answer.total:,} bytes")


def _copy(remote: Remote, answer: _Answer, write: Callable[[bytes], object]) -> None:
    # imported here: a packed model, which reads a provenance, lacks them
    from urllib3.exceptions import HTTPError

    from tracelate.progress import byte_bar

    size = answer.begin
    with byte_bar(remote.name, answer.total, answer.begin) as advance:
        try:
            for chunk in answer.response.raw.stream(CHUNK_BYTES, decode_content=False):
                size += len(chunk)
                _refuse_above_limit(remote, size)
                write(chunk)
                advance(len(chunk))
        except HTTPError as error:
            raise _BreakError(f"the connection broke after {size:,} bytes") from error


def _ask(session: Session, remote: Remote, part: Path) -> _Answer | None:
    """Asks for the bytes that `part` lacks. Returns None if it lacks none."""
    size = part.stat().st_size if part.exists() else 0
    state = _saved_state(part)
    wanted = {}
    if size and (state is not None or remote.has_hash):
        wanted = {"Range": f"bytes={size}-", **({} if state is None else {"If-Range": state})}
    return _checked(_get(session, remote, wanted), remote, size, part)


def _get(session: Session, remote: Remote, headers: Mapping[str, str]) -> Response:
    """Asks for the file, and follows redirects to http(s)."""
    import requests

    address = remote.address
    for _ in range(MAX_REDIRECTS + 1):
        try:
            response = session.get(
                address,
                headers=headers,
                stream=True,
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
            )
        except requests.exceptions.SSLError as error:
            raise _cannot_fetch(remote, f"a certificate is not valid ({_short(error)})") from error
        except requests.exceptions.RequestException as error:
            raise _BreakError(f"the server cannot be reached ({_short(error)})") from error
        if not response.is_redirect:
            return response
        response.close()
        target = (
            response.headers["Location"].encode("latin-1", "replace").decode("utf-8", "replace")
        )
        address = _joined(remote, address, target)
    raise _cannot_fetch(remote, f"it leads on more than {MAX_REDIRECTS} times")


def _joined(remote: Remote, address: str, target: str) -> str:
    """Returns the address of a redirect. Raises InputError if it is not http(s)."""
    try:
        joined = urljoin(address, target)
        parts = urlsplit(joined)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_web = False
    if not is_web:
        reason = f"it leads to {target[:100]!a}, which is no http(s) address"
        raise _cannot_fetch(remote, reason)
    return joined


def _checked(response: Response, remote: Remote, size: int, part: Path) -> _Answer | None:
    unit, _, span = response.headers.get("Content-Range", "").partition(" ")
    place, _, whole = span.partition("/")
    total = _number(whole) if unit == "bytes" else None
    match response.status_code:
        case 200:
            return _Answer(response, 0, _number(response.headers.get("Content-Length", "")))
        case 206 if place.partition("-")[0] == str(size):
            return _Answer(response, size, total)
        case 416 if total == size:
            response.close()
            return None
    response.close()
    status = f"{response.status_code} {response.reason or ''}".strip()
    if response.status_code in (206, 416):
        empty_part(part)
        raise _BreakError(f"the server sent another part than was asked for ({status})")
    if response.status_code in RETRIED:
        pause_s = _number(response.headers.get("Retry-After", "")) or 0
        raise _BreakError(f"the server answers {status}", pause_s)
    raise _cannot_fetch(remote, f"the server answers {status}")


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def _state(response: Response) -> str | None:
    """Returns the name of the file's state that If-Range accepts: RFC 9110, 13.1.5."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified")


def _state_of(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _saved_state(part: Path) -> str | None:
    try:
        state = parse_json(_state_of(part).read_bytes())["state"]
    except (OSError, ValueError, TypeError, LookupError):
        return None
    return state if isinstance(state, str) and state.isprintable() else None


def _refuse_above_limit(remote: Remote, size: int) -> None:
    if size > remote.max_bytes:
        raise _cannot_fetch(
            remote,
            f"it is larger than {remote.setting}.max_megabytes, {remote.max_bytes // MEGABYTE:,}",
        )


def _cannot_fetch(remote: Remote, reason: str) -> InputError:
    return InputError(f"cannot fetch {remote.address} ({remote.setting}.address): {reason}")


def _short(error: Exception) -> str:
    """Returns the innermost reason of an error of requests, which repeats addresses."""
    inner: BaseException = error
    while (cause := inner.__cause__ or inner.__context__) is not None:
        inner = cause
    if isinstance(inner, OSError) and inner.errno is not None and inner.strerror:
        return os.strerror(inner.errno) if inner.errno > 0 else inner.strerror
    return " ".join(str(inner).split())[:200] or type(inner).__name__
