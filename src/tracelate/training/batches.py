"""Batches of sentence pairs, planned for all processes at once.

The plan of an epoch depends on the lengths of the sentences, the settings, the seed and the epoch
alone. Each of W processes takes every W-th row of a planned batch, so that any number of processes
trains on the same batches in the same order.

Shapes: B this process's rows of the batch, S source, T target.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset

from tracelate.corpus.tokenized import TokenizedPair
from tracelate.model.search import SpecialIds


class Batch(NamedTuple):
    """One process's rows of a planned batch."""

    source_BS: Tensor
    """Source ids, each sentence with the end token at its end."""
    mask_BS: Tensor
    """True at real tokens."""
    target_in_BT: Tensor
    """The start token and the target ids."""
    target_out_BT: Tensor
    """Ids to predict: the target ids, the end token, then padding."""
    rows_B: Tensor
    """Positions of these rows in the batch of all processes."""
    global_rows: int
    """Number of rows of all processes."""
    global_tokens: int
    """Number of target tokens to predict, of all processes."""
    placeholders: list[tuple[str, ...]]
    """Text of the slots in each of these rows."""


def plan_batches(
    pairs: Sequence[TokenizedPair],
    *,
    batch_tokens: int,
    length_noise: float,
    seed: int,
    epoch: int,
) -> list[list[int]]:
    """Returns indices of `pairs` in batches of similar length, shuffled by (seed, epoch).

    Pairs are sorted by their longer side times a random factor from 1 to 1 + `length_noise`, so
    that epochs have different batches.

    A batch has as many pairs as fit into `batch_tokens` when each is padded to the longest side
    in the batch; a pair that is longer than that is a batch by itself.
    """
    shuffler = random.Random(f"{seed}:{epoch}")

    def noisy_length(index: int) -> float:
        pair = pairs[index]
        length = max(len(pair.source_ids), len(pair.target_ids)) + 1
        return length * (1 + length_noise * shuffler.random())

    order = sorted(range(len(pairs)), key=noisy_length)
    batches: list[list[int]] = []
    longest = 0
    for index in order:
        length = max(len(pairs[index].source_ids), len(pairs[index].target_ids)) + 1
        longest = max(longest, length)
        if not batches or longest * (len(batches[-1]) + 1) > batch_tokens:
            batches.append([])
            longest = length
        batches[-1].append(index)
    shuffler.shuffle(batches)
    return batches


class PlannedBatches(Dataset[Batch]):
    """One process's rows of the planned batches, as a dataset of torch."""

    def __init__(
        self,
        pairs: Sequence[TokenizedPair],
        plan: Sequence[Sequence[int]],
        special: SpecialIds,
        *,
        rank: int = 0,
        process_count: int = 1,
    ) -> None:
        self.pairs = pairs
        self.plan = plan
        self.special = special
        self.rank = rank
        self.process_count = process_count

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, index: int) -> Batch:
        planned = [self.pairs[place] for place in self.plan[index]]
        rows = range(self.rank, len(planned), self.process_count)
        # without a row, a process computes the first one with all targets ignored
        own = [planned[row] for row in rows] or planned[:1]
        padding, start, end = self.special.padding, self.special.start, self.special.end
        source_BS = pad([[*pair.source_ids, end] for pair in own], padding)
        target_out_BT = pad([[*pair.target_ids, end] for pair in own], padding)
        return Batch(
            source_BS=source_BS,
            mask_BS=source_BS != padding,
            target_in_BT=pad([[start, *pair.target_ids] for pair in own], padding),
            target_out_BT=target_out_BT if rows else torch.full_like(target_out_BT, padding),
            rows_B=torch.tensor(list(rows) or [0]),
            global_rows=len(planned),
            global_tokens=sum(len(pair.target_ids) + 1 for pair in planned),
            placeholders=[pair.placeholders for pair in own],
        )


def pad(sequences: Sequence[Sequence[int]], padding_id: int) -> Tensor:
    """Returns the sequences as one tensor, each padded at its end to the longest."""
    longest = max(map(len, sequences))
    return torch.tensor([[*ids, *[padding_id] * (longest - len(ids))] for ids in sequences])
