"""Errors that a user can fix."""

from __future__ import annotations


class InputError(ValueError):
    """An error with a message of one line that names the value, the place and the remedy.

    Stages and the command line print it without a traceback and exit with status 1.
    """
