"""Progress of a training on the terminal."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ProgressBar
from rich.console import Console
from rich.progress import Progress

from tracelate.progress import training_bar


class TrainingProgress(ProgressBar):
    """One bar over all optimiser steps on stderr, and a line on stdout for each validation.

    The bar has loss, speed, BLEU and the time left. It is shown while stderr is a terminal.
    """

    def __init__(self, total_steps: int, refresh_steps: int = 5) -> None:
        super().__init__()
        self.total_steps = total_steps
        self.refresh_steps = refresh_steps
        self._enabled = True
        self._bar: Progress | None = None

    def disable(self) -> None:
        self._enabled = False

    def enable(self) -> None:
        self._enabled = True

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._enabled:
            self._bar = training_bar()
            self._bar.add_task("", total=self.total_steps, completed=trainer.global_step)
            self._bar.start()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        if self._bar is not None and trainer.global_step % self.refresh_steps == 0:
            self._bar.update(
                self._bar.task_ids[0],
                completed=trainer.global_step,
                description=describe(trainer.callback_metrics),
            )

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not self._enabled:
            return
        console = Console()
        if self._bar is not None and not self._bar.disable and console.is_terminal:
            console = self._bar.console  # the same terminal: the line is put above the bar
        console.print(
            f"epoch {trainer.current_epoch + 1}, step {trainer.global_step}/{self.total_steps}: "
            f"{describe(trainer.callback_metrics)}",
            highlight=False,
            soft_wrap=True,
        )

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def describe(metrics: dict[str, Any]) -> str:
    """Returns the measured values that there are, as text."""
    shown = {
        "train_loss": "loss {:.3f}",
        "tokens_per_s": "{:,.0f} tokens/s",
        "valid_bleu": "validation BLEU {:.2f}",
        "valid_chrf": "validation chrF {:.2f}",
    }
    return ", ".join(
        text.format(float(metrics[name])) for name, text in shown.items() if name in metrics
    )
