"""Settings of OpenMP for a machine on which other processes run too.

libgomp, which torch computes with, reads them once, when torch is loaded, so the package sets them
before anything else. They change no result: only how long a thread waits awake, and the number of
threads where the process may use less than its processors.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")
"""Variables by which a user says how threads wait."""
THREADS = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "MKL_NUM_THREADS")
"""Variables by which a user says how many threads there are."""
SPIN_COUNT = 1000
"""Rounds in which a thread waits awake before it sleeps, where other processes run. By default they
are 300,000, in which it takes the processor from the thread that it waits for. On a free machine
that is the faster way: training loses a sixth to a third with 1,000."""
GROUPS = Path("/sys/fs/cgroup")
LOAD = Path("/proc/loadavg")
LOOKS, PAUSE_S = 5, 0.005
"""Number of looks at what runs, and the time between two of them."""


def set_up_openmp() -> None:
    """Sets what the user has not set, for this process and those that it starts."""
    if not any(name in os.environ for name in WAITING) and others_run():
        os.environ["GOMP_SPINCOUNT"] = str(SPIN_COUNT)
    if not any(name in os.environ for name in THREADS):
        count = allowed_threads()
        if count < _processors():
            os.environ["OMP_NUM_THREADS"] = str(count)


def others_run(load: Path = LOAD) -> bool:
    """Returns True if other processes compute at present: most looks find one that does.

    `load` is Linux's /proc/loadavg, whose fourth field begins with the number of threads that run,
    this one included. Elsewhere, nothing is known of others.
    """
    found = 0
    for _ in range(LOOKS):
        try:
            running = int(load.read_text(encoding="ascii").split()[3].partition("/")[0])
        except (OSError, ValueError, IndexError):
            return False
        found += running > 1
        time.sleep(PAUSE_S)
    return 2 * found > LOOKS


def allowed_threads(groups: Path = GROUPS, membership: Path = Path("/proc/self/cgroup")) -> int:
    """Returns the processors of this process, at most those of its quota, rounded up.

    A container's quota is that of its control group or of a group around it. `groups` is where
    these are mounted, and `membership` names the groups of the process.
    """
    quotas = _quotas(groups, membership)
    return min([_processors(), *(max(1, math.ceil(quota)) for quota in quotas)])


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas(groups: Path, membership: Path) -> Iterator[float]:
    """Yields each quota of processor time that holds for this process, in processors."""
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            mounts = [groups, groups / "unified"]
        elif "cpu" in controllers.split(","):
            mounts = [groups / controllers, groups / "cpu"]
        else:
            continue
        for mount in mounts:
            folder = mount / path.lstrip("/")
            # in a container the path can be the host's, and then its own group is the mount
            for group in (folder, *folder.parents):
                if not group.is_relative_to(mount):
                    break
                yield from _quota(group)


def _quota(group: Path) -> Iterator[float]:
    """Yields the quota of a group if it has one, in version 2 of control groups or in version 1."""
    try:
        if (group / "cpu.max").is_file():
            limit, period = (group / "cpu.max").read_text(encoding="utf-8").split()
        else:
            limit = (group / "cpu.cfs_quota_us").read_text(encoding="utf-8").strip()
            period = (group / "cpu.cfs_period_us").read_text(encoding="utf-8").strip()
        if limit not in ("max", "-1"):
            yield int(limit) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return  # no group, or none that this process may read
