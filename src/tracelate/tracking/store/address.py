"""The address of MLflow's store: MLFLOW_TRACKING_URI, else a database at the project's root.

The address is absolute, because `dvc exp run --temp` works in another folder and must write to the
same store. Where the project's path has a `%` or `?`, which are signs of an address, it is relative
to the working folder: MLflow would decode an absolute one, and make a folder of the encoded name.
"""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy.engine import make_url

from tracelate.credentials import address_without_credentials
from tracelate.layout import DATABASE, project_root

SQLITE = "sqlite:///"


def tracking_uri() -> str:
    """Returns the store's address, which may contain a user and a password."""
    return (
        os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{_in_address(project_root() / DATABASE)}"
    )


def is_local() -> bool:
    """Returns True if the store is a database file of this machine."""
    return tracking_uri().startswith(SQLITE)


def is_projects_own() -> bool:
    """Returns True if the store is the database file at the project's root."""
    return is_local() and database_path().resolve() == project_root() / DATABASE


def shown_uri() -> str:
    """Returns the store's address without user and password, for messages."""
    return address_without_credentials(tracking_uri())


def has_store() -> bool:
    """Returns False if `connect` would create the database; a server is assumed to have one."""
    return not is_local() or database_path().is_file()


def database_path() -> Path:
    """Returns the file of a store on this machine, as SQLAlchemy reads its address."""
    return Path(make_url(tracking_uri()).database or "")


def _in_address(path: Path) -> str:
    text = str(path)
    if "%" in text or "?" in text:
        text = os.path.relpath(path)
    return text.replace("%", "%25").replace("?", "%3F")
