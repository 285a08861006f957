"""Errors that a user can fix."""

from __future__ import annotations

import errno


class InputError(ValueError):
    """An error with a message of one line that names the value, the place and the remedy.

    Stages and the command line print it without a traceback and exit with status 1.
    """


def describe_os_error(error: OSError) -> str:
    """Returns the paths of an error of the operating system, its reason and the remedy."""
    paths = [str(path) for path in (error.filename, error.filename2) if path is not None]
    if not paths:
        return str(error)
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    remedy = "free space for it" if is_full else "name another path, or correct this one"
    return f"{' or '.join(paths)} cannot be used ({error.strerror or error}): {remedy}"
