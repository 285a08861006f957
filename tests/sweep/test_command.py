"""The command `tracelate sweep`."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sweep.stand_in import StandIn, write_sweep
from tracelate.cli.main import main
from tracelate.sweep.run import sweep
from tracelate.sweep.training import Slot

pytestmark = pytest.mark.usefixtures("stand_in_project")
FILE = Path("rates.yaml")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run_command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        monkeypatch.setattr(sys, "argv", ["tracelate", "sweep", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capsys.readouterr()

    return run_command


def test_the_trials_are_shown_as_a_table_and_as_json(run: Run) -> None:
    write_sweep(FILE, trials=2)
    outcome = sweep(FILE, lambda line: None, train=StandIn()).outcome
    status, stdout, stderr = run("rates.yaml", "--show")
    assert (status, stderr) == (0, "")
    rows = [line for line in stdout.splitlines() if "complete" in line]
    assert len(rows) == 2 and "valid bleu" in stdout and "learning_rate" in stdout
    assert f" {outcome.best} " in rows[0]
    assert f"best: trial {outcome.best};" in stdout and "\ndvc exp run" in stdout
    status, stdout, _ = run("rates.yaml", "--show", "--json")
    assert json.loads(stdout) == outcome.model_dump(mode="json")


def test_a_wrong_setting_is_one_line_before_anything_is_written(run: Run) -> None:
    write_sweep(FILE, space={"model.hiden_size": [8]})
    status, stdout, stderr = run("rates.yaml")
    assert (status, stdout) == (1, "")
    assert stderr == (
        "error: space has 'model.hiden_size', which is not a setting: did you mean "
        "model.hidden_size?\n"
    )
    assert not Path(".tracelate").exists()


def test_a_stopped_sweep_says_how_it_is_resumed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sweep(FILE)

    def interrupted(folder: Path, slot: Slot, has_to_stop: Callable[[], bool]) -> int:
        signal.raise_signal(signal.SIGINT)
        while not has_to_stop():
            pass
        return 1

    monkeypatch.setattr(
        "tracelate.sweep.run.sweep.__kwdefaults__", {"processes": 1, "train": interrupted}
    )
    status, stdout, stderr = run("rates.yaml")
    assert status == 130
    assert stderr == "stopped: `tracelate sweep rates.yaml` resumes the sweep\n"
    assert "no trial is complete yet" in stdout
