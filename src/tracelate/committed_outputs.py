"""Outputs of the last complete run of the pipeline, which DVC keeps and `dvc checkout` restores."""

from __future__ import annotations

from pathlib import Path

LOCK = "dvc.lock"
RESTORE = "`dvc checkout` brings back those of the last complete run"


def is_committed(path: Path) -> bool:
    """Returns True if DVC has an output of that path, which lies in a folder of the project."""
    root = path.absolute().parent.parent
    try:
        lock = (root / LOCK).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    name = path.absolute().relative_to(root).as_posix()
    return f"- path: {name}\n" in lock
