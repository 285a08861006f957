"""Problems with the folder in which DVC keeps pickled values, which can run code when read.

By default all users of the machine share that folder, and all may write to it.
"""

from __future__ import annotations

import configparser
import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tracelate import layout
from tracelate.doctor.problem import Problem

REPOSITORIES = (Path(), Path("studies/attention"))
"""Folders of DVC repositories in the project."""
CONFIGS = ("config.local", "config")
"""Files of settings in .dvc, the first of which that has a setting decides."""
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
INNER = "repo"
"""Folder that DVC makes inside, which all may write unless it exists."""


def dvc_problems(root: Path) -> Iterator[Problem]:
    """Yields the problems of the project's DVC repositories."""
    for place in REPOSITORIES:
        repository = root / place
        if not (repository / ".dvc").is_dir():
            continue
        cache = cache_folder(repository)
        if cache is None:
            yield Problem(
                "DVC keeps pickled values in a folder of the system that all users may write",
                str(repository / ".dvc" / "config"),
                f"run `dvc --cd {repository} config core.site_cache_dir {layout.DVC_CACHE}`",
            )
        elif not (cache / INNER).is_dir() or _is_writable_by_others(cache):
            yield Problem(
                "other users of this machine may write to DVC's folder of pickled values",
                str(cache),
                f"run `mkdir -p {cache / INNER}` and `chmod 700 {cache}`",
                partial(_make_private, cache),
            )


def cache_folder(repository: Path) -> Path | None:
    """Returns the folder of DVC's own caches, or None if it is that of the system."""
    if named := os.environ.get("DVC_SITE_CACHE_DIR"):
        return repository / named
    for name in CONFIGS:
        settings = configparser.ConfigParser(strict=False, interpolation=None)
        try:
            settings.read(repository / ".dvc" / name, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # DVC reports it
        if named := settings.get("core", "site_cache_dir", fallback=None):
            return repository / named.strip("\"'")
    return None


def _is_writable_by_others(cache: Path) -> bool:
    """Returns True if others can replace what DVC reads: not if they cannot enter the folder."""
    outer, inner = (path.stat().st_mode for path in (cache, cache / INNER))
    can_enter = bool(outer & (stat.S_IXGRP | stat.S_IXOTH))
    return bool(outer & WRITABLE_BY_OTHERS) or (can_enter and bool(inner & WRITABLE_BY_OTHERS))


def _make_private(cache: Path) -> None:
    (cache / INNER).mkdir(parents=True, exist_ok=True)
    for path in (cache, cache / INNER):
        path.chmod(0o700)
