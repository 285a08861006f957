"""The sentence pairs of a training as a data module of Lightning."""

from __future__ import annotations

import pytorch_lightning as pl
from torch.utils.data import DataLoader

from tracelate.config import TrainConfig
from tracelate.corpus.tokenized import TokenizedPairs
from tracelate.model.search import SpecialIds
from tracelate.training.batches import Batch, BatchPlan, PlannedBatches, plan_batches


class TranslationData(pl.LightningDataModule):
    """Plans the batches of each epoch, so the Trainer must reload the loaders every epoch.

    Each validation sentence is in one process only.
    """

    def __init__(
        self,
        train: TokenizedPairs,
        valid: TokenizedPairs,
        special: SpecialIds,
        config: TrainConfig,
    ) -> None:
        super().__init__()
        self.train = train
        self.valid = valid
        self.special = special
        self.config = config

    def count_steps(self) -> int:
        """Returns the number of training batches in all epochs, by planning each of them."""
        return sum(len(self._plan(self.train, epoch)) for epoch in range(self.config.epochs))

    def train_dataloader(self) -> DataLoader[Batch]:
        return self._loader(self.train, self._trainer().current_epoch)

    def val_dataloader(self) -> DataLoader[Batch]:
        return self._loader(self.valid, epoch=0)

    def _plan(self, pairs: TokenizedPairs, epoch: int) -> BatchPlan:
        return plan_batches(
            pairs.lengths_N,
            batch_tokens=self.config.batch_tokens,
            length_noise=self.config.length_noise,
            seed=self.config.seed,
            epoch=epoch,
        )

    def _loader(self, pairs: TokenizedPairs, epoch: int) -> DataLoader[Batch]:
        trainer = self._trainer()
        batches = PlannedBatches(
            pairs,
            self._plan(pairs, epoch),
            self.special,
            rank=trainer.global_rank,
            process_count=trainer.world_size,
        )
        return DataLoader(batches, batch_size=None)

    def _trainer(self) -> pl.Trainer:
        if self.trainer is None:
            raise RuntimeError("TranslationData has no Trainer: pass it to Trainer.fit")
        return self.trainer
