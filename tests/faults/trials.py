"""Trials: each disturbs a stage once or twice, runs it again, and looks at files and MLflow."""

from __future__ import annotations

import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.faults.comparison import EXPERIMENT, find_differences
from tests.faults.project import (
    CHECKPOINT_STEPS,
    STAGES,
    Process,
    Server,
    Undisturbed,
    copy_project,
    make_project,
    run_undisturbed,
    set_runtime,
)

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
TARGETS = {
    "stage": ("stage",),
    "server": ("stage",),
    "dvc": ("dvc", "stage", "all"),
    "two": ("first", "second", "all"),
}
"""From a kind of trial to the processes that a signal is sent to."""
KINDS = (*TARGETS, "outage", "disk")
FREE_MIB = (0.02, 6.0)
"""What a disk has left for a stage; it needs more."""
OUTAGE_S = (2.0, 40.0)
DEATH_S = 60.0
"""Longest time that a training of two processes goes on when one of them is gone."""


class Kill(NamedTuple):
    """A signal to a process, after a share of the stage's undisturbed time."""

    sent: signal.Signals
    target: str
    share: float

    def __str__(self) -> str:
        return f"{self.sent.name} to {self.target} at {self.share:.0%}"


class Trial(NamedTuple):
    """A disturbed stage."""

    number: int
    kind: str
    stage: str
    kills: Sequence[Kill] = ()
    share: float = 0.0
    """Of the stage's time when the server goes away, or of FREE_MIB."""
    amount: float = 0.0
    """Of OUTAGE_S."""
    hangs: bool = False
    """True for a server that does not answer, False for one that is killed."""

    def __str__(self) -> str:
        details = ", ".join(map(str, self.kills))
        if self.kind == "outage":
            way = "hangs" if self.hangs else "is killed"
            details = (
                f"the server {way} at {self.share:.0%} for {_between(OUTAGE_S, self.amount):.0f} s"
            )
        elif self.kind == "disk":
            details = f"a disk with {_between(FREE_MIB, self.share):.2f} MiB left"
        return f"{self.number} {self.kind} {self.stage}: {details}"


def draw_trials(count: int, seed: int, kinds: Sequence[str] = KINDS) -> Iterator[Trial]:
    """Yields the same trials for the same seed and kinds, also if there are more of them."""
    for number in range(1, count + 1):
        draw = random.Random(f"{seed}:{number}")
        kind = draw.choice(kinds)
        stage = "train" if kind == "two" else draw.choices(STAGES, weights=(3, 1))[0]
        kills = [
            Kill(draw.choice(SIGNALS), draw.choice(TARGETS[kind]), draw.uniform(0.01, 1))
            for _ in range(draw.choices((1, 2), weights=(3, 1))[0])
            if kind in TARGETS
        ]
        yield Trial(number, kind, stage, kills, draw.random(), draw.random(), draw.random() < 0.5)


class World:
    """The prepared and the undisturbed projects, and a server, each made when it is needed."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.prepared = make_project(scratch / "prepared")
        self._undisturbed: dict[tuple[int, bool], Undisturbed] = {}
        self._server: Server | None = None

    def undisturbed(self, devices: int, *, is_forked: bool) -> Undisturbed:
        key = devices, is_forked
        if key not in self._undisturbed:
            folder = self.scratch / f"undisturbed-{len(self._undisturbed)}"
            made = run_undisturbed(self.prepared, folder, devices, is_forked=is_forked)
            self._undisturbed[key] = made
        return self._undisturbed[key]

    @property
    def server(self) -> Server:
        if self._server is None:
            self._server = Server(self.scratch / "server")
        return self._server

    def end(self) -> None:
        if self._server is not None:
            self._server.end()


class Disturbed:
    """A trial's project and its store."""

    def __init__(self, trial: Trial, world: World, folder: Path) -> None:
        self.trial, self.folder = trial, folder
        self.devices = 2 if trial.kind == "two" else 1
        # dvc starts its stage itself, and Lightning the second of two processes
        self.is_forked = trial.kind not in ("dvc", "two")
        self.undisturbed = world.undisturbed(self.devices, is_forked=self.is_forked)
        self.server = world.server if trial.kind in ("server", "outage") else None
        self.experiment = EXPERIMENT
        self.commands: list[Process] = []
        self.faults: list[str] = []
        """What was wrong before the end."""
        is_trained = trial.stage == "evaluate" and self.server is None and trial.kind != "dvc"
        copy_project(self.undisturbed.trained if is_trained else world.prepared, folder)
        if self.server is not None:
            self.experiment = f"trial {trial.number} at {time.time()}"
        set_runtime(
            folder,
            devices=self.devices,
            experiment=self.experiment,
            checkpoint_steps=CHECKPOINT_STEPS,
        )
        if trial.stage == "evaluate" and not is_trained:
            self.repeat("train")

    def start(self, stage: str) -> Process:
        variables = {} if self.server is None else {"MLFLOW_TRACKING_URI": self.server.address}
        command = ("dvc", "repro", stage)
        arguments = command if self.trial.kind == "dvc" else (f"pipeline.{stage}",)
        process = Process(
            self.folder, "-m", *arguments, variables=variables, is_forked=self.is_forked
        )
        self.commands.append(process)
        return process

    def repeat(self, stage: str) -> None:
        """Runs a stage to its end."""
        process = self.start(stage)
        if (status := process.wait()) != 0:
            self.faults.append(f"{stage} ended with {status}: {process.output.strip()[-300:]}")

    def seconds(self, share: float) -> float:
        return share * self.undisturbed.seconds[self.trial.stage]


def run_trial(trial: Trial, world: World, folder: Path) -> list[str]:
    """Returns the differences from the undisturbed project; empty if there are none."""
    folder.mkdir()
    with _small_disk(folder) if trial.kind == "disk" else _nothing():
        disturbed = Disturbed(trial, world, folder)
        try:
            DISTURBANCES.get(trial.kind, _kill)(disturbed)
            for stage in STAGES[STAGES.index(trial.stage) :]:
                disturbed.repeat(stage)
            for command in disturbed.commands:  # a stage whose dvc was killed
                _wait_for_rest(command)
            database = disturbed.server.database if disturbed.server else folder / "mlflow.db"
            return disturbed.faults or find_differences(
                folder, disturbed.undisturbed.folder, database, disturbed.experiment
            )
        finally:
            for command in disturbed.commands:
                command.end_all()


def _kill(disturbed: Disturbed) -> None:
    for kill in disturbed.trial.kills:
        process = disturbed.start(disturbed.trial.stage)
        if process.ends_within(disturbed.seconds(kill.share)):
            continue
        victims = _victims(process, kill.target)
        for victim in victims:
            with suppress(psutil.Error):
                victim.send_signal(kill.sent)
        is_one_of_two = kill.target in ("first", "second") and kill.sent == signal.SIGKILL
        if is_one_of_two and not process.ends_within(DEATH_S):
            disturbed.faults.append(f"a training goes on {DEATH_S:g} s after one of two died")
        process.wait()


def _victims(process: Process, target: str) -> list[psutil.Process]:
    members = process.members()
    if target == "all":
        return members
    if target == "dvc" or target == "first":
        return members[:1]
    others = [one for one in members if one.pid != process.popen.pid]
    if target == "second":
        return others[-1:]
    # the stage that dvc runs is below a shell, or the process itself
    return others[-1:] or members[:1]


def _outage(disturbed: Disturbed) -> None:
    trial, server = disturbed.trial, disturbed.server
    assert server is not None
    process = disturbed.start(trial.stage)
    process.ends_within(disturbed.seconds(trial.share))
    server.signal(signal.SIGSTOP if trial.hangs else signal.SIGKILL)
    try:
        process.ends_within(_between(OUTAGE_S, trial.amount))
    finally:
        if trial.hangs:
            server.signal(signal.SIGCONT)
        else:
            server.start()
    if process.wait() != 0:
        disturbed.faults.append(f"failed without its server: {process.output.strip()[-300:]}")


def _fill_disk(disturbed: Disturbed) -> None:
    used = shutil.disk_usage(disturbed.folder).used / 2**20
    _resize(disturbed.folder, used + _between(FREE_MIB, disturbed.trial.share))
    process = disturbed.start(disturbed.trial.stage)
    status = process.wait()
    if "Traceback" in process.output:
        lines = re.findall(r"^\w.*Error.*$", process.output, re.MULTILINE)
        disturbed.faults.append(f"a traceback with status {status}: {lines[-1:]}")
    _resize(disturbed.folder, 200)


DISTURBANCES: Mapping[str, Callable[[Disturbed], None]] = {"outage": _outage, "disk": _fill_disk}
"""What is done in the kinds of trials that send no signals to stages."""


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    """Mounts a disk of its own in the folder, which only root may do."""
    _mount("-t", "tmpfs", "-o", "size=200m", "tmpfs", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _resize(folder: Path, mib: float) -> None:
    _mount("-o", f"remount,size={int(mib * 1024)}k", str(folder))


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _wait_for_rest(command: Process) -> None:
    deadline_s = time.monotonic() + 300
    while command.members() and time.monotonic() < deadline_s:
        time.sleep(0.2)


def _between(limits: tuple[float, float], share: float) -> float:
    return limits[0] + share * (limits[1] - limits[0])
