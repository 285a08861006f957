"""A project of the tiny corpus, whose stages run in processes that can be killed."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from ruamel.yaml import YAML

from tests.faults.preloaded import Forked
from tests.tiny_corpus import PROJECT, build_wheel, tiny_settings, write_params
from tracelate.cli.ui import NO_JOBS
from tracelate.layout import DATABASE

STAGES = ("train", "evaluate")
_numbers = itertools.count()
LIMIT_S = 900
"""Longest time that a stage may take; a machine may be busy."""
CHECKPOINT_STEPS = 2
"""So that a killed training is resumed within an epoch."""


class Undisturbed(NamedTuple):
    """The folder of a project in which all stages ran to their end, and their times in seconds."""

    folder: Path
    trained: Path
    """A copy of it from before the evaluation."""
    seconds: dict[str, float]


def make_project(folder: Path) -> Path:
    """Makes a folder with the tiny corpus and DVC, in which the stage tokenize has run."""
    wheel = build_wheel()
    cached = folder / "cache" / "wheels" / f"{sha256(wheel).hexdigest()}.whl"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(wheel)
    write_params(folder, tiny_settings(wheel))
    for stage in ("download", "prepare", "test_sets", "tokenize"):
        _run(folder, "-m", f"pipeline.{stage}")
    pipeline = YAML(typ="safe").load(PROJECT / "dvc.yaml")
    stages = {name: pipeline["stages"][name] for name in STAGES}
    for stage in stages.values():
        # the code is that of this repository, which the project has no copy of
        stage["deps"] = [one for one in stage["deps"] if one.startswith(("data", "models"))]
    YAML(typ="safe").dump({"stages": stages}, folder / "dvc.yaml")
    (folder / ".dvc").mkdir()  # as `dvc init --no-scm` makes it
    config = "[core]\n    no_scm = True\n    site_cache_dir = .tracelate/dvc\n"
    (folder / ".dvc/config").write_text(config, encoding="utf-8")
    return folder


def run_undisturbed(
    prepared: Path, folder: Path, devices: int = 1, *, is_forked: bool = False
) -> Undisturbed:
    """Trains and evaluates in a copy of a project with tokenized data and an empty store."""
    copy_project(prepared, folder)
    set_runtime(folder, devices=devices, checkpoint_steps=CHECKPOINT_STEPS)
    trained, seconds = folder.with_name(f"{folder.name}-trained"), {}
    for stage in STAGES:
        began_s = time.monotonic()
        _run(folder, "-m", f"pipeline.{stage}", is_forked=is_forked)
        seconds[stage] = time.monotonic() - began_s
        if stage == "train":
            shutil.copytree(folder, trained)
    return Undisturbed(folder, trained, seconds)


def copy_project(source: Path, folder: Path) -> None:
    """Copies a project into a folder that may exist."""
    shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("cache"))
    if (folder / DATABASE).exists():
        _run(folder, "-m", "tests.faults.relocate", is_forked=True)


def set_runtime(folder: Path, **settings: Any) -> None:
    path = folder / "params.yaml"
    params = YAML(typ="safe").load(path)
    params["runtime"] |= settings
    YAML(typ="safe").dump(params, path)


class Process:
    """Python with arguments, in a project's folder and a session of its own."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        variables: Mapping[str, str],
        is_forked: bool = False,
    ) -> None:
        """With `is_forked`, the arguments are -m and a stage's module."""
        # not in the folder, whose disk may be full
        self._log = folder.with_name(f"{folder.name}-{next(_numbers)}.log")
        environment = {**_environment(folder), **variables}
        self.popen: subprocess.Popen[bytes] | Forked
        if is_forked:
            self.popen = Forked(arguments[-1], folder, self._log, environment)
            return
        with self._log.open("w", encoding="utf-8") as log:
            self.popen = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def ends_within(self, seconds: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            self.popen.wait(seconds)
        return self.popen.returncode is not None

    def wait(self) -> int:
        """Waits for the command, and returns its status."""
        if not self.ends_within(LIMIT_S):
            self.end_all()
            raise AssertionError(f"no end within {LIMIT_S} s: {self.output[-2000:]}")
        assert self.popen.returncode is not None
        return self.popen.returncode

    def members(self) -> list[psutil.Process]:
        """Returns the living processes of the session, the command's own first."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError):
                if os.getsid(process.pid) == self.popen.pid:
                    found += [process] if process.status() != psutil.STATUS_ZOMBIE else []
        return sorted(found, key=lambda one: one.create_time())

    def end_all(self) -> None:
        """Ends what is left of the session."""
        for process in self.members():
            with suppress(psutil.Error):
                process.kill()
        self.popen.wait()


class Server:
    """An MLflow server with a database and a folder for artifacts."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder, self.database = folder, folder / "mlflow.db"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{free.getsockname()[1]}"
        self.start()

    def start(self) -> None:
        """Starts the server, again if it was killed."""
        port = self.address.rpartition(":")[2]
        command = f"-m mlflow server --host 127.0.0.1 --workers 1 --port {port}".split()
        command += ["--backend-store-uri", f"sqlite:///{self.database}"]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        self._process = Process(self.folder, *command, variables=NO_JOBS)
        deadline_s = time.monotonic() + 300
        while time.monotonic() < deadline_s:
            with suppress(OSError), urllib.request.urlopen(f"{self.address}/health", timeout=5):
                return
            time.sleep(0.5)
        raise AssertionError(self._process.output)

    def signal(self, sent: signal.Signals) -> None:
        os.killpg(self._process.popen.pid, sent)

    def end(self) -> None:
        self._process.end_all()


def _run(folder: Path, *arguments: str, is_forked: bool = False) -> None:
    process = Process(folder, *arguments, variables={}, is_forked=is_forked)
    if process.wait() != 0:
        raise RuntimeError(process.output)


def _environment(folder: Path) -> dict[str, str]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "src")]),
        "TRACELATE_CACHE": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
        "DVC_NO_ANALYTICS": "1",
    }
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
        environment.pop(name, None)
    return environment
