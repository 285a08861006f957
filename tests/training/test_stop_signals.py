"""Signals that ask a training to stop."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracelate.training.stop_signals import SLURM_JOB, StopSignals


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> Iterator[StopSignals]:
    monkeypatch.setenv(SLURM_JOB, "123")
    of_tests = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job's: none
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)}
    noting = StopSignals()
    noting.install()
    yield noting
    noting.restore()
    assert {one: signal.getsignal(one) for one in before} == before
    signal.signal(signal.SIGINT, of_tests)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_the_first_signal_is_noted_and_the_second_interrupts(
    signals: StopSignals, sent: signal.Signals
) -> None:
    os.kill(os.getpid(), sent)
    assert signals.received == sent
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        noting = StopSignals()
        noting.install()
        os.kill(os.getpid(), signal.SIGINT)
        assert noting.received is None
        noting.restore()
    finally:
        signal.signal(signal.SIGINT, before)


def put_scontrol(folder: Path, monkeypatch: pytest.MonkeyPatch, status: int) -> Path:
    """A command that notes its arguments in a file."""
    noted = folder / "noted"
    command = folder / "scontrol"
    command.write_text(f'#!/bin/sh\necho "$@" >> {noted}\nexit {status}\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return noted


def test_slurm_queues_the_job_again_after_its_own_signal_alone(
    signals: StopSignals,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    noted = put_scontrol(tmp_path, monkeypatch, 0)
    signals.received = signal.SIGTERM
    signals.requeue()
    assert not noted.exists()
    signals.received = signal.SIGUSR1
    signals.requeue()
    assert noted.read_text() == "requeue 123\n"
    assert capsys.readouterr().err == ""


def test_a_job_that_cannot_be_queued_again_is_named(
    signals: StopSignals,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put_scontrol(tmp_path, monkeypatch, 1)
    signals.received = signal.SIGUSR1
    signals.requeue()
    assert "warning: scontrol cannot queue job 123 again" in capsys.readouterr().err


def test_a_machine_without_scontrol_gets_the_same_warning(
    signals: StopSignals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    signals.received = signal.SIGUSR1
    signals.requeue()
    assert "warning: scontrol cannot queue job 123 again" in capsys.readouterr().err
