"""Sweeps in processes of their own: killed, and two at once."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.preloaded import python
from tests.sweep.stand_in import StandIn, write_sweep
from tests.tiny_corpus import PROJECT
from tracelate.sweep.run import SweepResult, read_outcome, sweep

FILE = Path("rates.yaml")
SCRIPT = """
import sys, time
from pathlib import Path
import tracelate.sweep.run, tracelate.sweep.trial
from tests.sweep.stand_in import StandIn
tracelate.sweep.run._start_run = lambda *_: None
tracelate.sweep.trial.end_trial = lambda *_: None
waits_in, folder = sys.argv[1:]
class Waiting(StandIn):
    def __call__(self, folder, slot, has_to_stop):
        def stops():
            if waits_in == folder.name:
                Path("waiting").touch()
                time.sleep(600)
            return has_to_stop()
        Path(f"began_{folder.name}_{self.name}").touch()
        return super().__call__(folder, slot, stops)
Waiting.name = folder
tracelate.sweep.run.sweep(Path("rates.yaml"), print, train=Waiting())
"""


def start(waits_in: str, name: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": f"{PROJECT}{os.pathsep}{PROJECT / 'src'}"}
    return subprocess.Popen([python(), "-c", SCRIPT, waits_in, name], env=environment)


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.05)


def undisturbed(folder: Path) -> SweepResult:
    result = sweep(FILE, lambda line: None, train=StandIn())
    result.folder.path.rename(folder)
    return result


@pytest.mark.usefixtures("stand_in_project")
def test_a_sweep_that_was_killed_in_a_trial_goes_on_as_one_that_was_not(tmp_path: Path) -> None:
    write_sweep(FILE, trials=3, pruner="none")
    expected = undisturbed(tmp_path / "undisturbed")
    killed = start("0001", "first")
    wait_for(Path("waiting"), killed)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    before = read_outcome(FILE).outcome
    assert [one.state for one in before.trials] == ["complete", "running"]
    stand_in = StandIn()
    result = sweep(FILE, lambda line: None, train=stand_in).outcome
    assert [(one.settings, one.value) for one in result.trials] == [
        (one.settings, one.value) for one in expected.outcome.trials
    ]
    assert len(stand_in.trained) == 2  # the first one is not trained again


@pytest.mark.usefixtures("stand_in_project")
def test_two_processes_share_a_sweep() -> None:
    write_sweep(FILE, trials=4, pruner="none")
    slow = start("0000", "first")
    wait_for(Path("waiting"), slow)
    other = start("none", "second")
    assert other.wait(timeout=300) == 0
    states = [one.state for one in read_outcome(FILE).outcome.trials]
    assert states == ["running", "complete", "complete", "complete"]
    began = sorted(path.name for path in Path().glob("began_*"))
    assert began == ["began_0000_first", *(f"began_000{n}_second" for n in (1, 2, 3))]
    slow.send_signal(signal.SIGTERM)
    slow.wait()
