"""A few trials of those that python -m tests.faults draws at random."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.trials import Trial, Undisturbed, make_project, run_trial, run_undisturbed


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("faults") / "project")


@pytest.fixture(scope="module")
def undisturbed(prepared: Path) -> Undisturbed:
    return run_undisturbed(prepared, prepared.with_name("undisturbed"))


@pytest.mark.parametrize(
    ("stage", "sent", "share"),
    [("train", signal.SIGKILL, 0.7), ("evaluate", signal.SIGTERM, 0.8)],
)
def test_a_killed_stage_ends_as_an_undisturbed_one(
    prepared: Path, undisturbed: Undisturbed, stage: str, sent: signal.Signals, share: float
) -> None:
    trial = Trial(stage, [(sent, share * undisturbed.seconds[stage])])
    assert run_trial(trial, undisturbed, prepared, prepared.with_name(stage)) == []
