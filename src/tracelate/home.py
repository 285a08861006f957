"""The user's home folder, without which many libraries cannot be imported."""

from __future__ import annotations

import os
from pathlib import Path


def name_home() -> None:
    """Makes / the home folder of a user who has none, as containers do.

    It is a user id that the system has no name for, in an environment without HOME.
    """
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/"
