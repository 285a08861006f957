"""The addresses of files in the project's own database, after its folder was moved or copied.

MLflow keeps an absolute address for the files of each experiment, run, model and version. In a
moved project they lead nowhere, and in a copy to the files of the original, which would be changed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tracelate.layout import ARTIFACTS, DATABASE, project_root
from tracelate.tracking.store.address import database_path, is_local
from tracelate.tracking.store.failures import StoreError

ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Tables and columns of MLflow's database that hold them."""
WAIT_S = 60.0
"""For another process that writes to the database."""


def places_elsewhere() -> list[str]:
    """Returns the addresses of this project's artifacts that are those of another folder.

    Empty for a server and for a database that is not at the project's root.
    """
    database = project_root() / DATABASE
    if not (is_local() and database.is_file() and _is_same(database_path(), database)):
        return []
    here = project_root() / ARTIFACTS
    with closing(sqlite3.connect(database, timeout=WAIT_S)) as connection:
        try:
            found = connection.execute("SELECT DISTINCT artifact_location FROM experiments")
            places = sorted(str(row[0]) for row in found)
        except sqlite3.Error:
            return []  # `connect` says what is wrong with the database
    return [place for place in places if _is_elsewhere(place, here)]


def refuse_elsewhere() -> None:
    """Raises StoreError if files of the project would be looked for in another folder."""
    if places := places_elsewhere():
        raise StoreError(f"{describe(places[0])}: {REMEDY}")


def describe(place: str) -> str:
    """Returns what is wrong with a place that `places_elsewhere` returned."""
    return (
        f"{DATABASE} has the files of its runs in {_path(place)}, but this project is in "
        f"{project_root()}: it was moved or copied"
    )


REMEDY = f"`tracelate doctor --fix` sets their addresses to {ARTIFACTS} of this folder"


def relocate() -> None:
    """Sets the addresses of all artifacts that lie in another folder to this project's.

    All or none are changed. Raises StoreError if the database cannot be written.
    """
    here = (project_root() / ARTIFACTS).as_uri()
    places = places_elsewhere()
    try:
        opened = sqlite3.connect(project_root() / DATABASE, timeout=WAIT_S)
        with closing(opened) as connection, connection:
            for statement, values in _updates(places, here):
                connection.execute(statement, values)
    except sqlite3.Error as error:
        raise StoreError(f"{project_root() / DATABASE} cannot be written ({error})") from error


def _updates(places: list[str], here: str) -> Iterator[tuple[str, tuple[object, ...]]]:
    for place in places:
        for table, column in ADDRESSES:
            # the place itself and all below it
            yield (
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                (here, len(place) + 1, place, len(place) + 1, f"{place}/"),
            )


def _is_elsewhere(place: str, here: Path) -> bool:
    """True for a folder on this machine that a project of Tracelate's made, if not `here`."""
    path = _path(place)
    return path is not None and path.name == ARTIFACTS.name and not _is_same(path, here)


def _path(place: str) -> Path | None:
    parts = urlsplit(place)
    return Path(unquote(parts.path)) if parts.scheme == "file" and not parts.netloc else None


def _is_same(first: Path, second: Path) -> bool:
    """True also for two paths to one file or folder, such as two mounts."""
    if first == second:
        return True
    try:
        return first.samefile(second)
    except OSError:
        return False
