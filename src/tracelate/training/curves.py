"""Measured values of a training, kept in order and saved in the checkpoint."""

from __future__ import annotations

import math
import time
from typing import Any

import pytorch_lightning as pl

from tracelate.training.batches import Batch
from tracelate.training.curve_files import TRAIN_COLUMNS, VALID_COLUMNS
from tracelate.training.resume_points import is_last_part


class Curves(pl.Callback):
    """Measures the speed, and keeps a row every few steps and a row for each validation.

    `tokens_per_s` is target tokens of all processes by wall time, which includes logging and
    loading of batches, but not validation.
    """

    def __init__(self, every_steps: int) -> None:
        self.every_steps = every_steps
        self.train: list[dict[str, float]] = []
        self.valid: list[dict[str, float]] = []
        self.tokens = 0
        self.seconds = 0.0
        self._window_tokens = 0
        self._window_seconds = 0.0
        """Of the window before a validation, or before the training was resumed."""
        self._window_began_s: float | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._window_began_s = time.perf_counter()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._begin_window()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
    ) -> None:
        if not is_last_part(trainer, batch_idx):
            return
        self._window_tokens += batch.global_tokens
        at_row = trainer.global_step % self.every_steps == 0
        if at_row or trainer.is_last_batch or trainer.should_stop:
            seconds = self._seconds_of_window()
            self.tokens += self._window_tokens
            self.seconds += seconds
            if at_row:
                pl_module.log("tokens_per_s", self._window_tokens / seconds)
                self.train.append(_row(trainer, TRAIN_COLUMNS))
            self._begin_window()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._window_seconds = self._seconds_of_window()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.valid.append(_row(trainer, VALID_COLUMNS))
        self._window_began_s = time.perf_counter()

    def _begin_window(self) -> None:
        self._window_tokens = 0
        self._window_seconds = 0.0
        self._window_began_s = time.perf_counter()

    def _seconds_of_window(self) -> float:
        if self._window_began_s is None:
            return self._window_seconds
        return self._window_seconds + time.perf_counter() - self._window_began_s

    def state_dict(self) -> dict[str, Any]:
        return {
            "train": self.train,
            "valid": self.valid,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "window_tokens": self._window_tokens,
            "window_seconds": self._seconds_of_window(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.train, self.valid = state_dict["train"], state_dict["valid"]
        self.tokens, self.seconds = state_dict["tokens"], state_dict["seconds"]
        self._window_tokens = state_dict["window_tokens"]
        self._window_seconds = state_dict["window_seconds"]


def _row(trainer: pl.Trainer, columns: tuple[str, ...]) -> dict[str, float]:
    """Returns the step and its measured values that are finite: those of a skipped batch may not
    be.
    """
    metrics = trainer.callback_metrics
    values = {name: float(metrics[name]) for name in columns if name in metrics}
    return {
        "step": trainer.global_step,
        "epoch": trainer.current_epoch + 1,
        **{name: value for name, value in values.items() if math.isfinite(value)},
    }
