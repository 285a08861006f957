"""The LightningModule, which defines an optimiser step and a validation."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

import pytorch_lightning as pl
import torch
import torch.distributed
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor

from tracelate.config import TrainConfig
from tracelate.errors import InputError
from tracelate.model.dropout import DropoutMasks
from tracelate.model.search import SpecialIds, greedy_search
from tracelate.model.seq2seq import Seq2Seq
from tracelate.training.batches import Batch
from tracelate.training.loss import token_loss
from tracelate.training.resume_points import is_last_part

LARGEST_LOSS = 1000.0
"""Loss in nats a token above which a training has diverged. A guess among V pieces costs ln V, and
float32 numbers far above this limit are finite: a training would go on to its end with them.
"""


class Validated(NamedTuple):
    """A validation sentence as token ids."""

    hypothesis: list[int]
    reference: list[int]
    placeholders: Sequence[str] = ()
    """Text of the slots in both."""


SKIPPED = "skipped_batches"
"""Key of a checkpoint, and name of the metric."""
SHOWN_PAIRS = 10


ScoresOfIds = Callable[[list[Validated]], Mapping[str, float]]
"""Function from validation sentences to corpus scores in percent by the key of the metric."""

ValidationShare = tuple[list[Validated], float, float]
"""One process's part of a validation: translations, summed loss in nats, and tokens."""


class TranslationTraining(pl.LightningModule):
    """Trains a `Seq2Seq` by teacher forcing, and validates it by scores of greedy search.

    A batch whose loss or gradient is not finite is skipped: weights, optimiser and average of the
    weights stay as they are. It counts as a step, so that the learning rate, the dropout masks and
    the validations of all further batches are those of the same training without a fault.
    """

    def __init__(
        self,
        model: Seq2Seq,
        config: TrainConfig,
        total_steps: int,
        special: SpecialIds,
        scores_of_ids: ScoresOfIds,
    ) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.total_steps = total_steps
        self.special = special
        self.scores_of_ids = scores_of_ids
        self._translated: list[Validated] = []
        self._valid_loss = torch.zeros(2, dtype=torch.float64)
        self.skipped_batches = 0
        self.is_skipped = False
        """If the last step was skipped."""
        self._batch_index = 0
        self._pairs_N: Tensor | None = None
        """Places of the pairs of the last batch in the training text."""
        self._loss: Tensor | None = None
        """Of the parts of the batch that were computed."""

    @property
    def place(self) -> str:
        """The step that is being made, counted from 1, or the validation after a step."""
        if self.trainer.validating:
            return f"the validation after step {self.global_step}"
        epoch = self.current_epoch + 1
        batch = self._batch_index // self.trainer.accumulate_grad_batches + 1
        return f"step {self.global_step + 1} (epoch {epoch}, batch {batch})"

    # Training

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Returns the loss in nats a token, scaled for averaging over processes and parts.

        The sum over the tokens of this part of a batch is divided by the tokens of the whole batch
        and multiplied by the number of processes and parts, so that the mean over them is the loss
        of the batch.
        """
        self._batch_index, self._pairs_N = batch_idx, batch.pairs_N
        mask_seed = self.config.seed * 2**32 + self.global_step
        masks = DropoutMasks(mask_seed, batch.rows_B, batch.global_rows)
        scored = self.model(batch.source_BS, batch.mask_BS, batch.target_in_BT, masks)
        loss_sum = token_loss(
            scored.logits_BTV,
            batch.target_out_BT,
            self.special.padding,
            label_smoothing=self.config.label_smoothing,
        )
        loss = loss_sum * (self.trainer.world_size / batch.global_tokens)
        parts = self.trainer.accumulate_grad_batches
        own = loss.detach()
        self._loss = own if batch_idx % parts == 0 or self._loss is None else self._loss + own
        if is_last_part(self.trainer, batch_idx):
            self.log("train_loss", self._loss, sync_dist=True)
        return loss * parts

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        # Trainer(gradient_clip_val=) does not support a fused optimiser with bf16
        norm = torch.nn.utils.clip_grad_norm_(self.parameters(), self.config.gradient_clip_norm)
        loss = self.trainer.callback_metrics["train_loss"]
        self.is_skipped = not torch.isfinite(norm) & (loss <= LARGEST_LOSS)
        if self.is_skipped:
            self._skip(optimizer, norm, loss)
        self.log("gradient_norm", norm)
        self.log("learning_rate", optimizer.param_groups[0]["lr"])
        if self.skipped_batches:
            self.log(SKIPPED, float(self.skipped_batches))

    def _skip(self, optimizer: torch.optim.Optimizer, norm: Tensor, loss: Tensor) -> None:
        """Skips the step, or raises InputError if it may not be skipped.

        All processes have the same loss and gradient, so that they decide the same.
        """
        numbers = f"the loss is {loss:.3g} and the norm of its gradient {norm:.3g}"
        most = self.config.max_skipped_batches
        if torch.isfinite(norm) & torch.isfinite(loss):
            self._refuse_divergence(numbers)
        if self.skipped_batches == most:
            self._refuse_divergence(numbers, f", or raise train.max_skipped_batches ({most})")
        self.skipped_batches += 1
        optimizer.zero_grad()  # Adam passes over weights without a gradient
        if self.trainer.is_global_zero:
            pairs = [] if self._pairs_N is None else self._pairs_N.tolist()
            shown = ", ".join(map(str, pairs[:SHOWN_PAIRS]))
            more = ", …" if len(pairs) > SHOWN_PAIRS else ""
            sys.stderr.write(
                f"warning: skipped {self.place}, batch {self.skipped_batches} of at most {most} "
                f"(train.max_skipped_batches): {numbers}; its {len(pairs):,} pairs are "
                f"rows {shown}{more} of data/tokenized/train.arrow\n"
            )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint[SKIPPED] = self.skipped_batches

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.skipped_batches = checkpoint[SKIPPED]

    def configure_optimizers(self) -> OptimizerLRScheduler:
        config = self.config
        optimizer = torch.optim.Adam(
            self.parameters(),
            lr=config.learning_rate,
            betas=(config.adam_beta1, config.adam_beta2),
            eps=config.adam_epsilon,
            fused=True,
        )
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: schedule_factor(
                step, config.warmup_steps, self.total_steps, config.final_learning_rate_factor
            ),
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    # Validation

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        # in full precision, as evaluation does it
        with torch.autocast(self.device.type, enabled=False):
            scored = self.model(batch.source_BS, batch.mask_BS, batch.target_in_BT)
            loss_sum = token_loss(scored.logits_BTV, batch.target_out_BT, self.special.padding)
            tokens = (batch.target_out_BT != self.special.padding).sum()
            self._valid_loss += torch.stack([loss_sum, tokens]).double().cpu()
            hypotheses = greedy_search(self.model, batch.source_BS, batch.mask_BS, self.special)
        references = batch.target_out_BT.tolist()
        for ids, reference, placeholders in zip(
            hypotheses, references, batch.placeholders, strict=True
        ):
            if self.special.end in reference:
                reference = reference[: reference.index(self.special.end)]
                self._translated.append(Validated(ids, reference, placeholders))

    def on_validation_epoch_end(self) -> None:
        shares = self._of_all_processes((self._translated, *self._valid_loss.tolist()))
        self._translated, self._valid_loss = [], torch.zeros_like(self._valid_loss)
        translated = [one for share, _, _ in shares for one in share]
        loss_sum = sum(share for _, share, _ in shares)
        tokens = sum(share for _, _, share in shares)
        scores = self.scores_of_ids(translated)
        for key, score in scores.items():
            self.log(f"valid_{key}", torch.tensor(score, dtype=torch.float64))
        valid_loss = loss_sum / tokens
        if not valid_loss <= LARGEST_LOSS:
            self._refuse_divergence(f"the loss is {valid_loss:.3g}")
        self.log("valid_loss", torch.tensor(valid_loss, dtype=torch.float64))

    def _refuse_divergence(self, numbers: str, remedy: str = "") -> NoReturn:
        config = self.config
        raise InputError(
            f"training diverged at {self.place}: {numbers}; lower train.learning_rate "
            f"({config.learning_rate}) or raise train.warmup_steps ({config.warmup_steps})"
            f"{remedy}"
        )

    def _of_all_processes(self, own: ValidationShare) -> list[ValidationShare]:
        shares = [own] * self.trainer.world_size
        if self.trainer.world_size > 1:
            torch.distributed.all_gather_object(shares, own)
        return shares


def schedule_factor(step: int, warmup_steps: int, total_steps: int, final_factor: float) -> float:
    """Returns the factor of the learning rate at a step, which is counted from 0.

    It rises linearly to 1 over the warm-up steps and then follows half a cosine down to
    `final_factor` (Loshchilov and Hutter 2017, eq. 5).
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progress = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps))
    return final_factor + (1 - final_factor) * (1 + math.cos(math.pi * progress)) / 2
