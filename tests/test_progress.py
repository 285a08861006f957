from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tracelate.progress import bar, bar_for_each_step, byte_bar, spinner
from tracelate.training.progress import TrainingProgress

Bars = Callable[[], AbstractContextManager[None]]


@contextmanager
def counted() -> Iterator[None]:
    with bar("resampling", 40) as advance:
        advance(10)
        advance(30)
        yield


@contextmanager
def bytes_counted() -> Iterator[None]:
    with byte_bar("translate", 2_000_000) as advance:
        advance(2_000_000)
        yield


@contextmanager
def counted_by_step() -> Iterator[None]:
    with bar_for_each_step() as advance:
        advance("one by one", 3, 8)
        advance("in batches", 2, 4)
        advance("one by one", 4, 8)
        yield


EVERY: list[tuple[Bars, tuple[str, ...]]] = [
    (lambda: spinner("cleaning"), ("cleaning",)),
    (counted, ("resampling", "40/40")),
    (bytes_counted, ("translate", "2.0/2.0 MB")),
    (counted_by_step, ("one by one", "7/8", "in batches", "2/4")),
]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes rich treat the captured streams as a wide terminal."""
    for name, value in {"TTY_COMPATIBLE": "1", "TERM": "xterm", "COLUMNS": "120"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.parametrize(("bars", "expected"), EVERY)
def test_a_bar_is_shown_on_a_terminal_and_on_stderr_alone(
    bars: Bars, expected: tuple[str, ...], terminal: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with bars():
        pass
    shown = capsys.readouterr()
    assert shown.out == ""
    for text in expected:
        assert text in shown.err


@pytest.mark.parametrize(("bars", "_"), EVERY)
def test_nothing_is_written_where_stderr_is_no_terminal(
    bars: Bars, _: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "0")
    with bars():
        pass
    assert capsys.readouterr() == ("", "")


METRICS = {"train_loss": torch.tensor(2.5), "valid_bleu": torch.tensor(7.125)}


def train() -> None:
    trainer: Any = SimpleNamespace(global_step=10, current_epoch=0, callback_metrics=METRICS)
    module: Any = None
    progress = TrainingProgress(total_steps=40)
    progress.on_train_start(trainer, module)
    progress.on_train_batch_end(trainer, module, None, None, 9)
    progress.on_validation_end(trainer, module)
    progress.teardown(trainer, module, "fit")


LINE = "epoch 1, step 10/40: loss 2.500, validation BLEU 7.12\n"


def test_a_training_writes_a_line_for_each_validation_and_no_bar_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "0")
    train()
    assert capsys.readouterr() == (LINE, "")


def test_a_training_on_a_terminal_has_its_line_above_the_bar(
    terminal: None, capsys: pytest.CaptureFixture[str]
) -> None:
    train()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert LINE.strip() in shown.err
    assert "10/40" in shown.err.partition(LINE.strip())[2]
