"""The address of MLflow's store: MLFLOW_TRACKING_URI, else a database at the project's root.

The address is absolute, because `dvc exp run --temp` works in another folder and must write to the
same store.
"""

from __future__ import annotations

import os
from pathlib import Path

from tracelate.credentials import address_without_credentials
from tracelate.layout import DATABASE, project_root

SQLITE = "sqlite:///"


def tracking_uri() -> str:
    """Returns the store's address, which may contain a user and a password."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{project_root() / DATABASE}"


def shown_uri() -> str:
    """Returns the store's address without user and password, for messages."""
    return address_without_credentials(tracking_uri())


def has_store() -> bool:
    """Returns False if `connect` would create the database; a server is assumed to have one."""
    uri = tracking_uri()
    return not uri.startswith(SQLITE) or Path(uri.removeprefix(SQLITE)).is_file()
