"""One process at a time trains with the same data, settings and code.

The system releases the lock when its holder ends, also if it is killed.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MAX_PID_BYTES = 20


@contextmanager
def training_lock(checkpoints: Path, on_wait: Callable[[str], object]) -> Iterator[None]:
    """Holds the lock of the training with the folder `checkpoints` while the block runs.

    If another process holds it, `on_wait` is called once with its process id, or with "unknown",
    and the lock is waited for.
    """
    path = _lock_file(checkpoints)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait(_pid_in(descriptor))
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def lock_if_free(checkpoints: Path) -> Iterator[str | None]:
    """Holds the lock while the block runs, if no process holds it.

    Yields None, or else the process id of the holder, or "unknown". No file is made.
    """
    try:
        descriptor = os.open(_lock_file(checkpoints), os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:  # no process has trained with this folder
        yield None
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            holder = None
        except BlockingIOError:
            holder = _pid_in(descriptor)
        yield holder
    finally:
        os.close(descriptor)


def _lock_file(checkpoints: Path) -> Path:
    return checkpoints.with_name(f"{checkpoints.name}.lock")


def _pid_in(descriptor: int) -> str:
    pid = os.pread(descriptor, MAX_PID_BYTES, 0).decode("ascii", "replace").strip()
    return pid if pid.isdigit() else "unknown"
