"""Settings of MLflow for this process: timeouts, what it prints, and its default store."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import mlflow

from tracelate.telemetry import turn_off_telemetry
from tracelate.tracking.store.address import tracking_uri

VARIABLES = {
    # MLflow's default of seven retries waits for minutes if a server is down
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    # only the messages of our own commands and stages are printed
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""Environment variables that MLflow reads, for those that the user has not set."""


def configure_mlflow() -> None:
    """Sets VARIABLES, switches telemetry off, and hides the log of the tables' creation."""
    turn_off_telemetry()
    for name, value in VARIABLES.items():
        os.environ.setdefault(name, value)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)


@contextmanager
def default_store() -> Iterator[None]:
    """Makes the project's store MLflow's default store while the block runs.

    MLflow resolves models:/… addresses in its default store, even if another one is given.
    """
    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(tracking_uri())
    try:
        yield
    finally:
        # None, which its type leaves out, also removes the environment variable
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


@contextmanager
def quiet_mlflow() -> Iterator[None]:
    """Hides MLflow's warnings and messages below ERROR while the block runs."""
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
