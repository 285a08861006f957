"""The sentence pairs of a training as a data module of Lightning."""

from __future__ import annotations

import pytorch_lightning as pl
from torch.utils.data import DataLoader

from tracelate.config import TrainConfig
from tracelate.corpus.tokenized_file import TokenizedSplit
from tracelate.model.search import SpecialIds
from tracelate.training.batches import Batch
from tracelate.training.epochs import EpochBatches, plan_shard


class TranslationData(pl.LightningDataModule):
    """Has a loader for each epoch, so the Trainer must reload the loaders every epoch.

    Each validation sentence is in one process only.
    """

    def __init__(
        self,
        train: TokenizedSplit,
        valid: TokenizedSplit,
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
        first = self.train.shard(0)
        planned = sum(
            len(plan_shard(first, self.config, epoch=epoch)) for epoch in range(self.config.epochs)
        )
        return round(planned * (len(self.train) / len(first)))

    def train_dataloader(self) -> DataLoader[Batch]:
        return self._loader(self.train, self._trainer().current_epoch)

    def val_dataloader(self) -> DataLoader[Batch]:
        return self._loader(self.valid, epoch=0)

    def _loader(self, pairs: TokenizedSplit, epoch: int) -> DataLoader[Batch]:
        trainer = self._trainer()
        batches = EpochBatches(
            pairs,
            self.special,
            self.config,
            epoch=epoch,
            rank=trainer.global_rank,
            process_count=trainer.world_size,
        )
        return DataLoader(batches, batch_size=None)

    def _trainer(self) -> pl.Trainer:
        if self.trainer is None:
            raise RuntimeError("TranslationData has no Trainer: pass it to Trainer.fit")
        return self.trainer
