"""The cache of downloaded files, which are named by their sha256. TRACELATE_CACHE moves it."""

from __future__ import annotations

import os
from pathlib import Path

from tracelate.errors import InputError
from tracelate.files import refuse_unwritable


def cache_folder(kind: str) -> Path:
    """Returns the folder of one kind of files in the cache, such as wheels."""
    # imported here: a packed model reads a provenance without it
    from platformdirs import user_cache_path

    return Path(os.environ.get("TRACELATE_CACHE") or user_cache_path("tracelate")) / kind


def refuse_unwritable_cache(folder: Path) -> None:
    """Raises InputError if a file cannot be written to a folder of the cache, which is made."""
    try:
        refuse_unwritable([folder])
    except OSError as error:
        raise InputError(
            f"the cache {folder} cannot be written ({error.strerror}): set TRACELATE_CACHE to a "
            "folder that can"
        ) from error
