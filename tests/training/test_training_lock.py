"""One process at a time trains the same thing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tracelate.training.training_lock import training_lock

HOLDER = """
import sys, time
from pathlib import Path
from tracelate.training.training_lock import training_lock
with training_lock(Path(sys.argv[1]), print):
    print("holds", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holder(folder: Path, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(folder), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "holds\n"
    return process


def test_a_second_process_waits_and_names_the_first(tmp_path: Path) -> None:
    first = holder(tmp_path / "training", 1.0)
    waited: list[str] = []
    with training_lock(tmp_path / "training", waited.append):
        assert first.wait(10) == 0
    assert waited == [str(first.pid)]


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    first = holder(tmp_path / "training", 60)
    first.kill()
    first.wait()
    waited: list[str] = []
    with training_lock(tmp_path / "training", waited.append):
        pass
    assert not waited


def test_other_trainings_do_not_wait(tmp_path: Path) -> None:
    waited: list[str] = []
    with (
        training_lock(tmp_path / "one", waited.append),
        training_lock(tmp_path / "other", waited.append),
    ):
        pass
    assert not waited
