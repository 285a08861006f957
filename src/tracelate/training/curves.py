"""Measured values of a training, kept in order and saved in the checkpoint."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl

from tracelate.training.batches import Batch
from tracelate.training.curve_files import TRAIN_COLUMNS, VALID_COLUMNS


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
        self._window_began_s = 0.0

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
        self._window_tokens += batch.global_tokens
        at_row = trainer.global_step % self.every_steps == 0
        if at_row or trainer.is_last_batch:
            seconds = time.perf_counter() - self._window_began_s
            self.tokens += self._window_tokens
            self.seconds += seconds
            if at_row:
                pl_module.log("tokens_per_s", self._window_tokens / seconds)
                self.train.append(_row(trainer, TRAIN_COLUMNS))
            self._begin_window()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.valid.append(_row(trainer, VALID_COLUMNS))

    def _begin_window(self) -> None:
        self._window_tokens = 0
        self._window_began_s = time.perf_counter()

    def state_dict(self) -> dict[str, Any]:
        return {
            "train": self.train,
            "valid": self.valid,
            "tokens": self.tokens,
            "seconds": self.seconds,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.train, self.valid = state_dict["train"], state_dict["valid"]
        self.tokens, self.seconds = state_dict["tokens"], state_dict["seconds"]


def _row(trainer: pl.Trainer, columns: tuple[str, ...]) -> dict[str, float]:
    metrics = trainer.callback_metrics
    return {
        "step": trainer.global_step,
        "epoch": trainer.current_epoch + 1,
        **{name: float(metrics[name]) for name in columns if name in metrics},
    }
