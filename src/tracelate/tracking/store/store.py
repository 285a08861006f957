"""MLflow's store: the connection to it, and its runs, logged models and registered models."""

from __future__ import annotations

from typing import NamedTuple

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from tracelate.layout import project_root
from tracelate.tracking.store.address import (
    database_path,
    has_store,
    is_local,
    is_projects_own,
    shown_uri,
    tracking_uri,
)
from tracelate.tracking.store.failures import (
    ReportingClient,
    StoreError,
    UnreachableError,
    reason_of,
)
from tracelate.tracking.store.mlflow_settings import configure_mlflow
from tracelate.tracking.store.model_registry import ModelRegistry
from tracelate.tracking.store.model_store import ModelStore
from tracelate.tracking.store.moved_project import find_artifacts_again
from tracelate.tracking.store.new_database import make_database
from tracelate.tracking.store.run_store import RunStore

DRIVERS = {
    "MySQLdb": "mysqlclient",
    "psycopg": "psycopg[binary]",
    "psycopg2": "psycopg2-binary",
}
"""From the module of a database's driver to its package, where the names differ."""


class Store(NamedTuple):
    """An open store of MLflow's."""

    runs: RunStore
    models: ModelStore
    registry: ModelRegistry


def connect() -> Store:
    """Opens the project's store.

    Raises UnreachableError if a server or a database does not answer; and StoreError if its driver
    is not installed, or if the project's own database cannot be opened.
    """
    configure_mlflow()
    try:
        if not has_store():
            make_database(database_path())
        elif is_projects_own():
            find_artifacts_again(database_path(), project_root())
        client = MlflowClient(tracking_uri())
        client.search_experiments(max_results=1)
    except ImportError as error:
        driver = DRIVERS.get(error.name or "", error.name) or "it"
        raise StoreError(
            f"the MLflow store {shown_uri()} needs a driver ({reason_of(error)}): "
            f"install {driver} with pip, or set or unset MLFLOW_TRACKING_URI"
        ) from error
    except (MlflowException, SQLAlchemyError, OSError, ValueError) as error:
        raise _failure(error) from error
    reporting = ReportingClient(client)
    return Store(RunStore(reporting), ModelStore(reporting), ModelRegistry(reporting))


def _failure(error: Exception) -> StoreError:
    reason = reason_of(error)
    if is_local():
        remedy = (
            "wait until the other process has ended"
            if "locked" in reason
            else "restore the file from a backup, or move it away for a new store to be made"
        )
        return StoreError(f"the MLflow store {shown_uri()} cannot be opened ({reason}): {remedy}")
    may_return = isinstance(error, OperationalError) or tracking_uri().startswith("http")
    kind = UnreachableError if may_return else StoreError
    return kind(
        f"the MLflow store {shown_uri()} cannot be reached ({reason}): "
        "start it, or set or unset MLFLOW_TRACKING_URI",
        reason,
    )
