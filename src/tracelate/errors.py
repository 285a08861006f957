"""Errors that a user can mend, and what may be shown of them."""

from __future__ import annotations

import re

USER = re.compile(r"(?<=://)[^\s/:]*(?::\S*)?@")
"""In an address; a password may hold / and @, as SQLAlchemy and requests read it."""
QUERY = re.compile(r"(?<=[?&])(?:user|password|passwd|odbc_connect)=[^\s&]*&?")


class InputError(ValueError):
    """One line that names the value, the place and the remedy. Stages and the command line print
    it without a traceback and end with status 1.
    """


def without_credentials(text: str) -> str:
    """`text` without the users and passwords of the addresses in it."""
    return USER.sub("", QUERY.sub("", text))
