"""Where MLflow keeps things: MLFLOW_TRACKING_URI, else a database at the project's root.

The address is absolute, so that `dvc exp run --temp`, which works in another folder, writes to
the same store.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Experiment, Run
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from tracelate.errors import InputError, without_credentials
from tracelate.layout import project_root

SQLITE = "sqlite:///"
DRIVERS = {
    "MySQLdb": "mysqlclient",
    "psycopg": "psycopg[binary]",
    "psycopg2": "psycopg2-binary",
}
"""From a database's module to the package that has it, where they differ."""


class StoreError(InputError):
    """MLflow's store cannot be used."""


def tracking_uri() -> str:
    """MLflow's address for this project, with the user and password that it may hold."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{project_root() / 'mlflow.db'}"


def shown_uri() -> str:
    """MLflow's address for messages, without user and password."""
    uri = tracking_uri()
    return without_credentials(uri) if "://" in uri else uri.rpartition("@")[2]


def reason_of(error: Exception) -> str:
    """The first line of what an error says, for messages: MLflow repeats its address there."""
    text = str(error).replace(tracking_uri(), shown_uri()).strip() or type(error).__name__
    return without_credentials(text.splitlines()[0])


def has_store() -> bool:
    """False where the first `connect` would make one; a server is taken to have its own."""
    uri = tracking_uri()
    return not uri.startswith(SQLITE) or Path(uri.removeprefix(SQLITE)).is_file()


def connect() -> MlflowClient:
    """A client of the store.

    Raises StoreError where the store cannot be reached, or its driver is not installed.
    """
    # a server that is away should not be waited for through MLflow's seven slow retries
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    # what a command or a stage says is its own
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # its tables being made is nothing that a user needs to know
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    try:
        client = MlflowClient(tracking_uri())
        client.search_experiments(max_results=1)
    except ImportError as error:
        driver = DRIVERS.get(error.name or "", error.name) or "it"
        raise StoreError(
            f"the MLflow store {shown_uri()} needs a driver ({reason_of(error)}): "
            f"install {driver} with pip, or set or unset MLFLOW_TRACKING_URI"
        ) from error
    except (MlflowException, SQLAlchemyError, OSError, ValueError) as error:
        raise StoreError(
            f"the MLflow store {shown_uri()} cannot be reached ({reason_of(error)}): "
            "start it, or set or unset MLFLOW_TRACKING_URI"
        ) from error
    return client


def find_or_create_experiment(client: MlflowClient, name: str) -> Experiment:
    """The experiment of that name; in a local store its artifacts lie at the project's root."""
    found = client.get_experiment_by_name(name)
    if found is None:
        local = tracking_uri().startswith("sqlite:")
        location = (project_root() / "mlartifacts").as_uri() if local else None
        found = client.get_experiment(client.create_experiment(name, artifact_location=location))
    if found.lifecycle_stage == "deleted":
        raise StoreError(
            f"runtime.experiment {name!r} was deleted in MLflow: restore it, or name another"
        )
    return found


@contextmanager
def reporting_failures() -> Iterator[None]:
    """Turns what MLflow raises, such as where a server goes away, into a StoreError."""
    try:
        yield
    except MlflowException as error:
        raise StoreError(
            f"MLflow at {shown_uri()} failed ({reason_of(error)}): try again"
        ) from error


@contextmanager
def default_store() -> Iterator[None]:
    """Makes the project's store MLflow's default, where MLflow looks for what a models:/… address
    leads to, whatever store a client or a call names.
    """
    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(tracking_uri())
    try:
        yield
    finally:
        mlflow.set_tracking_uri(None)  # forgets the variable too
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


PAGE = 1000


def all_experiments(client: MlflowClient) -> list[Experiment]:
    """Those that are not deleted."""
    found: list[Experiment] = []
    token: str | None = None
    while True:
        page = client.search_experiments(max_results=PAGE, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def all_runs(
    client: MlflowClient, experiment_ids: Sequence[str], filter_string: str = ""
) -> list[Run]:
    """Those that are not deleted, the newest first."""
    found: list[Run] = []
    token: str | None = None
    while experiment_ids:
        page = client.search_runs(
            list(experiment_ids),
            filter_string,
            max_results=PAGE,
            order_by=["attributes.start_time DESC"],
            page_token=token,
        )
        found += page
        token = page.token
        if not token:
            break
    return found


@contextmanager
def quiet_mlflow() -> Iterator[None]:
    """Errors only."""
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
