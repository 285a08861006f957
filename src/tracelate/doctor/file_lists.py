"""Names of the files in folders of MLflow's artifact store, each folder listed once."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from tracelate.tracking.store.store import Store

THREADS = 16
"""Number of folders that are listed at once, because a server takes milliseconds for each."""


class FileLists(dict[str, set[str]]):
    """From the address of a folder to the names of its files; a folder is listed when needed."""

    def __init__(self, store: Store, folders: Iterable[str] = ()) -> None:
        """Lists the `folders`, which will be needed, several at once."""
        wanted = list(dict.fromkeys(folders))
        with ThreadPoolExecutor(THREADS) as pool:
            super().__init__(zip(wanted, pool.map(store.models.list_files, wanted), strict=True))
        self._store = store

    def __missing__(self, folder: str) -> set[str]:
        self[folder] = self._store.models.list_files(folder)
        return self[folder]
