"""Batches of sentence pairs, planned for all processes at once.

An epoch's plan is a function of the sentences' lengths, the seed and the epoch alone. A planned
batch is global: each of W processes takes every W-th of its rows, so any number of processes sees
the same batches in the same order.

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
    source_BS: Tensor
    """Source ids, each sentence closed by the end token."""
    mask_BS: Tensor
    """True at real tokens."""
    target_in_BT: Tensor
    """The start token and the target ids."""
    target_out_BT: Tensor
    """What to predict: the target ids and the end token, then padding."""
    rows_B: Tensor
    """Where these rows are in the batch of all processes."""
    global_rows: int
    global_tokens: int
    """Target tokens to predict, over all processes."""


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

    A batch holds as many pairs as fit `batch_tokens` when each is padded to the longest side
    in the batch; a pair that is longer alone is a batch of its own.
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
    """The planned batches as one process sees them."""

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
        # a process without a row of its own takes part with one that counts nothing
        own = [planned[row] for row in rows] or planned[:1]
        padding, start, end = self.special
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
        )


def pad(sequences: Sequence[Sequence[int]], padding_id: int) -> Tensor:
    """The sequences as one tensor, each padded at its end to the longest."""
    longest = max(map(len, sequences))
    return torch.tensor([[*ids, *[padding_id] * (longest - len(ids))] for ids in sequences])
