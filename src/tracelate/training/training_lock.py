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
    path = checkpoints.with_name(f"{checkpoints.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(descriptor, MAX_PID_BYTES, 0).decode("ascii", "replace").strip()
            on_wait(pid if pid.isdigit() else "unknown")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)
