"""Switching off the reports that libraries send to their makers about their use.

MLflow decides when it is imported, and Hugging Face's hub likewise, so each entry point calls this
before anything imports them.
"""

from __future__ import annotations

import os

VARIABLES = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DVC_NO_ANALYTICS": "1",
}
"""Environment variables that switch reports off."""


def turn_off_telemetry() -> None:
    """Sets the VARIABLES that the user has not set, for this process and those that it starts."""
    for name, value in VARIABLES.items():
        os.environ.setdefault(name, value)
