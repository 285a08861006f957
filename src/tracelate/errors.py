"""Errors that a user can fix, and removal of credentials from messages."""

from __future__ import annotations

import re

USER = re.compile(r"(?<=://)[^\s/:]*(?::\S*)?@")
"""User and password in an address. SQLAlchemy and requests allow / and @ in a password."""
QUERY = re.compile(r"(?<=[?&])(?:user|password|passwd|odbc_connect)=[^\s&]*&?")
"""User or password among the parameters of an address."""


class InputError(ValueError):
    """An error with a message of one line that names the value, the place and the remedy.

    Stages and the command line print it without a traceback and exit with status 1.
    """


def without_credentials(text: str) -> str:
    """Returns `text` without the users and passwords of the addresses in it."""
    return USER.sub("", QUERY.sub("", text))
