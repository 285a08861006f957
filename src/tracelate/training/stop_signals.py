"""Signals that ask a training to stop: it saves a checkpoint at the end of a step and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from types import FrameType
from typing import Any

SLURM_JOB = "SLURM_JOB_ID"
REQUEUED_BY = signal.SIGUSR1
"""Signal of SLURM before a job's end, if the job asks for it (`#SBATCH --signal=USR1@90`).
"""


class StopSignals:
    """Notes the first of SIGTERM and SIGINT; the second one interrupts the process at once.

    In a job of SLURM, SIGUSR1 stops the training too, and the job is queued again.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def install(self) -> None:
        """Replaces the handlers of the main thread. A signal that is ignored stays ignored."""
        if threading.current_thread() is not threading.main_thread():
            return
        noted = [signal.SIGTERM, signal.SIGINT]
        if SLURM_JOB in os.environ:
            noted.append(REQUEUED_BY)
        for one in noted:
            if signal.getsignal(one) is not signal.SIG_IGN:
                self._before[one] = signal.signal(one, self._note)

    def restore(self) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)
        self._before = {}

    def requeue(self) -> None:
        """Queues the job again if it was stopped by SLURM's signal."""
        if self.received != REQUEUED_BY:
            return
        job = os.environ[SLURM_JOB]
        try:
            subprocess.run(["scontrol", "requeue", job], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            sys.stderr.write(
                f"warning: scontrol cannot queue job {job} again ({error}): submit it with "
                "--requeue\n"
            )

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            self.restore()
            raise KeyboardInterrupt
        self.received = signal.Signals(number)
