"""When a training writes the checkpoint that it is resumed from, and when it ends."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint

from tracelate.config import RuntimeConfig, TrainConfig
from tracelate.errors import InputError
from tracelate.training.checkpoints import LAST
from tracelate.training.stop_signals import StopSignals

HOUR_S = 3600
PARTS = "parts_of_a_batch"
"""Key of a checkpoint with the value of `runtime.accumulate`."""


class StoppedError(InputError):
    """Training was stopped before its end; there is no model."""


class TrainingEnd(pl.Callback):
    """Ends a training after `train.max_steps`, `train.max_hours` or the last epoch.

    It sets `should_stop`, upon which Lightning validates once more. Hours are those of all parts of
    a training that was resumed.
    """

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.seconds = 0.0
        self._began_s = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._began_s = time.monotonic() - self.seconds
        if self._is_over(trainer):  # resumed after its end
            trainer.should_stop = True

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        self.seconds = time.monotonic() - self._began_s
        if not is_last_part(trainer, batch_idx):
            return
        ends = trainer.is_last_batch and trainer.current_epoch + 1 == self.config.epochs
        if ends or self._is_over(trainer):
            trainer.should_stop = True

    def _is_over(self, trainer: pl.Trainer) -> bool:
        most_steps, most_hours = self.config.max_steps, self.config.max_hours
        if most_steps is not None and trainer.global_step >= most_steps:
            return True
        if most_hours is None:
            return False
        is_over: bool = trainer.strategy.broadcast(self.seconds >= most_hours * HOUR_S)
        return is_over

    def state_dict(self) -> dict[str, Any]:
        return {"seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.seconds = state_dict["seconds"]


class ResumePoints(Checkpoint):
    """Writes the checkpoint LAST after an epoch, and within it by time, by steps and on a signal.

    Within an epoch it is written after a step that no validation follows, since Lightning resumes
    from there with the next batch. It comes after all callbacks that change at the end of a step.
    """

    def __init__(self, folder: Path, config: TrainConfig, runtime: RuntimeConfig) -> None:
        self.path = folder / LAST
        self.every_s = runtime.checkpoint_minutes * 60
        self.every_steps = runtime.checkpoint_steps
        self.validate_every = config.validate_every
        self.signals = StopSignals()
        self._saved_s = 0.0

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint[PARTS] = trainer.accumulate_grad_batches

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Counts the parts of the batches so far in those of now, if `runtime.accumulate` changed.

        A checkpoint is written after whole batches.
        """
        before, now = checkpoint[PARTS], trainer.accumulate_grad_batches
        progress = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]
        for counts in (progress["total"], progress["current"]):
            uncounted = counts["processed"] - counts["completed"]
            for name in ("ready", "started", "processed"):
                counts[name] = counts[name] // before * now
            counts["completed"] = counts["processed"] - uncounted

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._saved_s = time.monotonic()
        self.signals.install()  # in place of Lightning's, which ends a training without saving

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        self.signals.restore()

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        self.signals.restore()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        step = trainer.global_step
        validates = self.validate_every is not None and step % self.validate_every == 0
        if (
            not is_last_part(trainer, batch_idx)
            or trainer.is_last_batch
            or trainer.should_stop
            or validates
        ):
            return
        is_stopped = self.signals.received is not None
        is_due = time.monotonic() - self._saved_s >= self.every_s
        at_step = self.every_steps is not None and step % self.every_steps == 0
        if at_step or _of_any_process(trainer, is_stopped or is_due):
            self._save(trainer)
            self._stop_if_asked(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._save(trainer)
        if not trainer.should_stop:
            self._stop_if_asked(trainer)

    def _save(self, trainer: pl.Trainer) -> None:
        trainer.save_checkpoint(self.path)
        self._saved_s = time.monotonic()

    def _stop_if_asked(self, trainer: pl.Trainer) -> None:
        """Raises StoppedError in all processes if one of them was asked to stop."""
        if not _of_any_process(trainer, self.signals.received is not None):
            return
        if trainer.is_global_zero:
            self.signals.requeue()
        raise StoppedError(
            f"training was stopped at step {trainer.global_step:,}: run the same command again to "
            "resume it from there"
        )


def is_last_part(trainer: pl.Trainer, batch_idx: int) -> bool:
    """Returns True if the optimiser has made a step after this part of a batch."""
    return (batch_idx + 1) % trainer.accumulate_grad_batches == 0


def _of_any_process(trainer: pl.Trainer, holds: bool) -> bool:
    """Returns True in all processes if it holds in one of them."""
    return bool(trainer.strategy.reduce_boolean_decision(holds, all=False))
