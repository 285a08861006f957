"""Errors that a user can mend."""

from __future__ import annotations


class InputError(ValueError):
    """One line that names the value, the place and the remedy. Stages and the command line print
    it without a traceback and end with status 1.
    """
