"""The sentence pairs of a training as a data module of Lightning."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from torch.utils.data import DataLoader

from tracelate.config import TrainConfig
from tracelate.corpus.bpe_dropout import BpeDropout
from tracelate.corpus.tokenized_file import TokenizedSplit
from tracelate.model.search import SpecialIds
from tracelate.training.batches import Batch
from tracelate.training.epochs import EpochBatches


class TranslationData(pl.LightningDataModule):
    """Has a loader for each epoch, so the Trainer must reload the loaders every epoch.

    Each validation sentence is in one process only. `dropout` is for the training text alone.
    """

    def __init__(
        self,
        train: TokenizedSplit,
        valid: TokenizedSplit,
        special: SpecialIds,
        config: TrainConfig,
        accumulate: int = 1,
        dropout: BpeDropout | None = None,
    ) -> None:
        super().__init__()
        self.train = train
        self.valid = valid
        self.special = special
        self.config = config
        self.accumulate = accumulate
        self.dropout = dropout

    def train_dataloader(self) -> DataLoader[Batch]:
        trainer = self._trainer()
        epochs: Any = trainer.fit_loop.epoch_progress.current
        is_resumed_within = epochs.ready > epochs.processed
        done = trainer.fit_loop.epoch_loop.batch_progress.current.ready if is_resumed_within else 0
        return self._loader(
            self.train,
            trainer.current_epoch,
            first=done // self.accumulate,
            parts=self.accumulate,
            dropout=self.dropout,
        )

    def val_dataloader(self) -> DataLoader[Batch]:
        return self._loader(self.valid, epoch=0)

    def _loader(
        self,
        pairs: TokenizedSplit,
        epoch: int,
        *,
        first: int = 0,
        parts: int = 1,
        dropout: BpeDropout | None = None,
    ) -> DataLoader[Batch]:
        trainer = self._trainer()
        batches = EpochBatches(
            pairs,
            self.special,
            self.config,
            epoch=epoch,
            first=first,
            parts=parts,
            rank=trainer.global_rank,
            process_count=trainer.world_size,
            dropout=dropout,
        )
        return DataLoader(batches, batch_size=None)

    def _trainer(self) -> pl.Trainer:
        if self.trainer is None:
            raise RuntimeError("TranslationData has no Trainer: pass it to Trainer.fit")
        return self.trainer
