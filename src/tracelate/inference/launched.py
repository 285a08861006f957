"""Processes that torchrun or SLURM has started for one program."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from torch.distributed import PrefixStore, Store  # type: ignore[attr-defined]
from torch.distributed.rendezvous import rendezvous

from tracelate.errors import InputError
from tracelate.processes import refuse_unsafe_restarts

TORCHRUN, SLURM_TASKS = "TORCHELASTIC_RUN_ID", "SLURM_STEP_NUM_TASKS"
"""Environment variables: of a process that torchrun has started, and the number of processes that
srun has started; the latter is missing in the script of a job."""
JOIN_S = 1800
"""Longest time that a process waits for the first one."""


class LaunchedGroup(NamedTuple):
    """The processes of a program."""

    store: Store
    """Values that all of them see."""
    rank: int
    """Number of this process, from 0."""
    size: int


def launched_count(environment: Mapping[str, str] = os.environ) -> int:
    """Returns the number of processes that were started, 1 if it was by other means."""
    if TORCHRUN in environment:
        return int(environment["WORLD_SIZE"])
    return int(environment.get(SLURM_TASKS) or 1)


def launched_group() -> LaunchedGroup:
    """Joins the processes that torchrun or SLURM has started.

    Raises InputError if torchrun would restart them in a way that they cannot be, or if a setting
    of the job is not supported.
    """
    refuse_unsafe_restarts()
    if TORCHRUN not in os.environ:
        from lightning_fabric.plugins.environments.slurm import SLURMEnvironment

        try:
            slurm = SLURMEnvironment()
        except RuntimeError as error:
            raise InputError(f"{error} (a job of SLURM with {launched_count()} tasks)") from error
        os.environ.update(
            MASTER_ADDR=slurm.main_address,
            MASTER_PORT=str(slurm.main_port),
            RANK=str(slurm.global_rank()),
            WORLD_SIZE=str(launched_count()),
        )
    store, rank, size = next(iter(rendezvous("env://", timeout=timedelta(seconds=JOIN_S))))
    return LaunchedGroup(PrefixStore("search", store), rank, size)
