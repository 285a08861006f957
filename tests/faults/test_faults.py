"""A few trials of those that python -m tests.faults draws at random."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.trials import KINDS, Kill, Trial, World, draw_trials, run_trial


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("faults"))


@pytest.mark.parametrize(
    ("stage", "sent", "share"),
    [("train", signal.SIGKILL, 0.7), ("evaluate", signal.SIGTERM, 0.8)],
)
def test_a_killed_stage_ends_as_an_undisturbed_one(
    world: World, tmp_path: Path, stage: str, sent: signal.Signals, share: float
) -> None:
    trial = Trial(1, "stage", stage, [Kill(sent, "stage", share)])
    assert run_trial(trial, world, tmp_path / "trial") == []


def test_a_seed_gives_the_same_trials() -> None:
    first, second = list(draw_trials(40, seed=5)), list(draw_trials(60, seed=5))
    assert first == second[:40] and {trial.kind for trial in second} == set(KINDS)
    assert first != list(draw_trials(40, seed=6))
