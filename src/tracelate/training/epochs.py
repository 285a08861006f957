"""The batches of an epoch, which are planned one shard of the training text at a time."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset

from tracelate.config import TrainConfig
from tracelate.corpus.bpe_dropout import BpeDropout
from tracelate.corpus.tokenized import TokenizedPairs
from tracelate.corpus.tokenized_file import TokenizedSplit
from tracelate.model.search import SpecialIds
from tracelate.training.batches import Batch, BatchPlan, PlannedBatches, plan_batches


def plan_shard(
    pairs: TokenizedPairs, config: TrainConfig, *, epoch: int = 0, shard: int = 0
) -> BatchPlan:
    """Returns the batches of a shard, as the settings say."""
    return plan_batches(
        pairs.lengths_N,
        batch_tokens=config.batch_tokens,
        length_noise=config.length_noise,
        seed=config.seed,
        epoch=epoch,
        shard=shard,
    )


def count_batches(pairs: TokenizedSplit, config: TrainConfig) -> int:
    """Returns the number of batches of the first epoch.

    Of several shards, which are alike, the first one is planned, and the others count by their
    number of pairs.
    """
    if not pairs.shard_count:
        return 0
    first = pairs.shard(0)
    return round(len(plan_shard(first, config)) * (len(pairs) / len(first)))


def count_steps(pairs: TokenizedSplit, config: TrainConfig) -> int:
    """Returns the number of steps by which the learning rate has fallen to its end.

    It is the number of batches of the first epoch for each epoch; others have a few more or less.
    """
    steps = config.epochs * count_batches(pairs, config)
    return min(steps, config.max_steps or steps)


class EpochBatches(IterableDataset[Batch]):
    """One process's rows of the batches of an epoch, in the order of training.

    It begins with the batch `first`, counted from 0. Each batch comes in `parts`, as if there were
    as many times more processes. With `dropout`, pairs have other pieces in each epoch; batches are
    planned by the lengths without it.
    """

    def __init__(
        self,
        pairs: TokenizedSplit,
        special: SpecialIds,
        config: TrainConfig,
        *,
        epoch: int,
        first: int = 0,
        parts: int = 1,
        rank: int = 0,
        process_count: int = 1,
        dropout: BpeDropout | None = None,
    ) -> None:
        self.pairs = pairs
        self.special = special
        self.config = config
        self.epoch = epoch
        self.first = first
        self.parts = parts
        self.rank = rank
        self.process_count = process_count
        self.dropout = dropout

    def __iter__(self) -> Iterator[Batch]:
        numbers = list(range(self.pairs.shard_count))
        random.Random(f"{self.config.seed}:{self.epoch}:shards").shuffle(numbers)
        before = 0
        """Batches of the shards before this one."""
        for number in numbers:
            shard = self.pairs.shard(number)
            plan = plan_shard(shard, self.config, epoch=self.epoch, shard=number)
            for place in range(max(0, self.first - before), len(plan)):
                yield from self._parts_of_batch(shard, plan[place], number)
            before += len(plan)

    def _parts_of_batch(
        self, shard: TokenizedPairs, places_N: NDArray[np.int64], number: int
    ) -> Iterator[Batch]:
        """Yields the parts of the batch that the pairs at these places of a shard are."""
        pairs_N = torch.from_numpy(self.pairs.first_pair(number) + places_N)
        if self.dropout is not None:
            # of all processes, because the loss is divided by the tokens of all
            shard = self.dropout.pairs(shard, places_N, epoch=self.epoch, shard=number)
            places_N = np.arange(len(places_N))
        for part in range(self.parts):
            rank = self.rank * self.parts + part
            count = self.process_count * self.parts
            batches = PlannedBatches(
                shard, [places_N], self.special, rank=rank, process_count=count
            )
            yield batches[0]._replace(pairs_N=pairs_N)
