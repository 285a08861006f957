"""Processes of stages that are forked from one which has imported all modules already.

Importing them takes most of a stage's time on the tiny corpus. A forked process is as another: it
has its own session, and can be killed.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path

MODULES = (
    "mlflow.pyfunc",
    "pipeline.evaluate",
    "pipeline.train",
    "pytorch_lightning",
    "torch.distributed.checkpoint",
    "tracelate.tracking.store.moved_artifacts",
)
_CONTEXT = multiprocessing.get_context("forkserver")


class Forked:
    """A module that is run in a process of its own, with what is used of subprocess.Popen.

    Its output goes to the file `log`, and `variables` are its environment.
    """

    def __init__(self, module: str, folder: Path, log: Path, variables: Mapping[str, str]) -> None:
        _CONTEXT.set_forkserver_preload(list(MODULES))
        self._process = _CONTEXT.Process(
            target=_run_module, args=(module, str(folder), str(log), dict(variables))
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def wait(self, seconds: float | None = None) -> None:
        self._process.join(seconds)


def _run_module(module: str, folder: str, log: str, variables: dict[str, str]) -> None:
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.modules.pop(module, None)  # it is run as the main module
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
