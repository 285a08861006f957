"""MLflow's store: the connection to it, and its runs, logged models and registered models."""

from __future__ import annotations

from typing import NamedTuple

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from tracelate.tracking.store.address import shown_uri, tracking_uri
from tracelate.tracking.store.failures import ReportingClient, StoreError, reason_of
from tracelate.tracking.store.mlflow_settings import configure_mlflow
from tracelate.tracking.store.model_registry import ModelRegistry
from tracelate.tracking.store.model_store import ModelStore
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

    Raises StoreError if the store cannot be reached, or its driver is not installed.
    """
    configure_mlflow()
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
            "start it, or set or unset MLFLOW_TRACKING_URI",
            reason_of(error),
        ) from error
    reporting = ReportingClient(client)
    return Store(RunStore(reporting), ModelStore(reporting), ModelRegistry(reporting))
