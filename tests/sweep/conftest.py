from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sweep.stand_in import write_project


@pytest.fixture
def stand_in_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project in whose folder the test runs, without MLflow."""
    of_tests = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job's: none
    write_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.setattr("tracelate.sweep.run._start_run", lambda *_: None)
    monkeypatch.setattr("tracelate.sweep.trial.end_trial", lambda *_: None)
    yield tmp_path
    signal.signal(signal.SIGINT, of_tests)
