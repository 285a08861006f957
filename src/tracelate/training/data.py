"""The sentence pairs of a training run as Lightning wants them."""

from __future__ import annotations

from collections.abc import Sequence

import pytorch_lightning as pl
from torch.utils.data import DataLoader

from tracelate.corpus.tokenized import TokenizedPair
from tracelate.model.search import SpecialIds
from tracelate.training.batches import Batch, PlannedBatches, plan_batches


class TranslationData(pl.LightningDataModule):
    """Plans each training epoch anew; the Trainer must reload the loaders every epoch.

    Validation sentences are shared out over the processes without a duplicate.
    """

    def __init__(
        self,
        train: Sequence[TokenizedPair],
        valid: Sequence[TokenizedPair],
        special: SpecialIds,
        *,
        batch_tokens: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.train = train
        self.valid = valid
        self.special = special
        self.batch_tokens = batch_tokens
        self.seed = seed

    def train_dataloader(self) -> DataLoader[Batch]:
        epoch = self._trainer().current_epoch
        return self._loader(
            self.train, plan_batches(self.train, self.batch_tokens, self.seed, epoch)
        )

    def val_dataloader(self) -> DataLoader[Batch]:
        return self._loader(self.valid, plan_batches(self.valid, self.batch_tokens, self.seed, 0))

    def _loader(self, pairs: Sequence[TokenizedPair], plan: list[list[int]]) -> DataLoader[Batch]:
        trainer = self._trainer()
        batches = PlannedBatches(
            pairs,
            plan,
            self.special,
            rank=trainer.global_rank,
            process_count=trainer.world_size,
        )
        return DataLoader(batches, batch_size=None)

    def _trainer(self) -> pl.Trainer:
        if self.trainer is None:
            raise RuntimeError("TranslationData needs a Trainer: hand it to Trainer.fit")
        return self.trainer
