"""Addresses of artifacts in the database of a project that was moved, renamed or copied.

MLflow keeps the addresses absolute. It would make the old folder again and write there.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tracelate.layout import ARTIFACTS
from tracelate.printable import printable_line

COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Tables and their columns with addresses of artifacts."""
WAIT_S = 30.0
"""Longest time to wait for another process that writes to the database."""


def find_artifacts_again(database: Path, root: Path) -> None:
    """Makes the database of the project in `root` name the artifacts that lie there.

    Only addresses of a folder ARTIFACTS elsewhere are changed, if that is gone or the project has
    such a folder. A database that cannot be read or written is left as it is.
    """
    here = root / ARTIFACTS
    with suppress(sqlite3.Error), closing(sqlite3.connect(database, timeout=WAIT_S)) as store:
        for address in _addresses(store):
            there = _folder(address)
            if there is None or there == here or (there.is_dir() and not here.is_dir()):
                continue
            _replace(store, address, here.as_uri())
            sys.stderr.write(
                printable_line(
                    f"this project was in {there.parent}: its runs in MLflow now have their "
                    f"artifacts in {here}"
                )
                + "\n"
            )


def _addresses(store: sqlite3.Connection) -> list[str]:
    found = store.execute("SELECT DISTINCT artifact_location FROM experiments")
    return [address for (address,) in found if address]


def _folder(address: str) -> Path | None:
    """Returns the folder ARTIFACTS that an address names; None for any other place."""
    parts = urlsplit(address)
    folder = Path(unquote(parts.path))
    is_ours = parts.scheme == "file" and not parts.netloc and folder.name == ARTIFACTS.name
    return folder if is_ours else None


def _replace(store: sqlite3.Connection, old: str, new: str) -> None:
    with store:
        for table, column in COLUMNS:
            store.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
            )
