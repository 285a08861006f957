"""Removal of users and passwords from what is printed.

An address such as https://USER:PASSWORD@host may stand in the message of any library's exception.
Where a password ends in the middle of a text cannot be seen if it has blanks, so the passwords that
the environment holds are removed as they are, and other addresses by their form.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from urllib.parse import parse_qsl, quote, quote_plus, unquote, unquote_plus

ADDRESSES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_BACKEND_STORE_URI")
"""Environment variables with addresses that may hold a password."""
SECRETS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY")
"""Environment variables that are secrets."""
MIN_SECRET_LENGTH = 4
"""Shorter secrets are removed only within an address: they are parts of ordinary words."""

_ENCODERS, _SAFE = (quote, quote_plus), ("", "/")
_PARAMETER = (
    "(?:user|username|uid|password|passwd|pwd|pass|sslpassword|token|access_token|auth|secret|"
    "api_?key|odbc_connect)"
)
_USER = re.compile(r"(?<=://)[^\s/:@]*(?::\S*)?@")
_USER_OF_ADDRESS = re.compile(r"(?<=://)[^/:@]*(?::.*)?@", re.DOTALL)
_QUERY = re.compile(rf"(?<=[?&;]){_PARAMETER}=[^\s&;]*[&;]?", re.IGNORECASE)
_QUERY_OF_ADDRESS = re.compile(rf"(?<=[?&;]){_PARAMETER}=[^&;]*[&;]?", re.IGNORECASE)


def without_credentials(text: str) -> str:
    """Returns `text` without the users and passwords of the addresses in it."""
    for address in _values(ADDRESSES):
        text = text.replace(address, address_without_credentials(address))
    for secret in sorted(_secrets(), key=len, reverse=True):
        text = text.replace(secret, "***")
    return _USER.sub("", _QUERY.sub("", text))


def address_without_credentials(address: str) -> str:
    """Returns an address without user and password, which may have blanks and slashes."""
    if "://" not in address:
        return address.rpartition("@")[2]
    return _USER_OF_ADDRESS.sub("", _QUERY_OF_ADDRESS.sub("", address))


def hide_credentials_in_tracebacks() -> None:
    """Lets the traceback of an exception that nothing handles be printed without passwords."""
    sys.excepthook = _print_traceback


def _print_traceback(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    sys.stderr.write(without_credentials("".join(traceback.format_exception(kind, error, trace))))


def _secrets() -> set[str]:
    """Returns the passwords of the environment, in each form that a library may print."""
    found = {*_values(SECRETS)}
    for address in _values(ADDRESSES):
        found.update(_passwords_of(address))
    found |= {decode(secret) for secret in found for decode in (unquote, unquote_plus)}
    encoded = {encode(secret, safe) for secret in found for encode in _ENCODERS for safe in _SAFE}
    forms = found | encoded
    return {form for form in forms if len(form) >= MIN_SECRET_LENGTH}


def _passwords_of(address: str) -> Iterator[str]:
    if found := _USER_OF_ADDRESS.search(address):
        user, _, password = found[0].removesuffix("@").partition(":")
        yield password or user
    for name, value in parse_qsl(address.partition("?")[2]):
        if re.fullmatch(_PARAMETER, name, re.IGNORECASE) and not name.lower().startswith("u"):
            yield value


def _values(names: tuple[str, ...]) -> list[str]:
    return [value for name in names if (value := os.environ.get(name))]
