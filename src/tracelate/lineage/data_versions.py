"""Files of earlier versions of the data: in the project, and in DVC's cache."""

from __future__ import annotations

import configparser
from collections.abc import Iterable, Iterator
from pathlib import Path

from tracelate import layout
from tracelate.files import sha256_of

PARQUET = b"PAR1"
"""First bytes of a parquet file."""


def find_data_files(wanted: Iterable[str], root: Path) -> dict[str, Path]:
    """Returns the path of each parquet file whose sha256 is wanted and that is on this machine."""
    missing, found = set(wanted), {}
    for path in _candidates(root):
        if not missing:
            break
        if _is_parquet(path) and (sha256 := sha256_of(path)) in missing:
            found[sha256] = path
            missing.remove(sha256)
    return found


def dvc_cache(root: Path) -> Path:
    """Returns the folder of DVC's cache, as its configuration names it."""
    folder = root / ".dvc"
    config = configparser.ConfigParser(interpolation=None, strict=False)
    config.read([folder / "config", folder / "config.local"], encoding="utf-8")
    return folder / config.get("cache", "dir", fallback="cache")


def _candidates(root: Path) -> Iterator[Path]:
    yield from sorted((root / layout.PREPARED).glob("*.parquet"))
    yield from sorted(dvc_cache(root).glob("files/md5/??/*"))


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(PARQUET)) == PARQUET
    except OSError:
        return False
