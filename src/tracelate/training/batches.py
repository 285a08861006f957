"""Batches of sentence pairs, planned for all processes at once.

The plan of a shard of the text in an epoch depends on the lengths of its sentences, the settings,
the seed, the epoch and the number of the shard alone. Each of W processes takes every W-th row of a
planned batch, so that any number of processes trains on the same batches in the same order.

Shapes: B this process's rows of the batch, S source, T target; in plans, N pairs and B batches.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from tracelate.corpus.tokenized import IdLists, TokenizedPairs
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
    pairs_N: Tensor
    """Places of the pairs of all processes; `EpochBatches` counts them in the training text."""
    global_tokens: int
    """Number of target tokens to predict, of all processes."""
    placeholders: list[tuple[str, ...]]
    """Text of the slots in each of these rows."""


class BatchPlan(Sequence[NDArray[np.int64]]):
    """The batches of an epoch, in their order: arrays of places of pairs."""

    def __init__(
        self, pairs_N: NDArray[np.int64], starts_B1: NDArray[np.int64], order_B: Sequence[int]
    ) -> None:
        """`pairs_N` has the places sorted into batches, `starts_B1` the B + 1 borders of batches
        in it, and `order_B` the batches in the order of training.
        """
        self.pairs_N = pairs_N
        self.starts_B1 = starts_B1
        self.order_B = order_B

    def __len__(self) -> int:
        return len(self.order_B)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.int64]: ...
    @overload
    def __getitem__(self, index: slice) -> list[NDArray[np.int64]]: ...
    def __getitem__(self, index: int | slice) -> NDArray[np.int64] | list[NDArray[np.int64]]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        batch = self.order_B[index]
        return self.pairs_N[self.starts_B1[batch] : self.starts_B1[batch + 1]]


def plan_batches(
    lengths_N: NDArray[np.int64],
    *,
    batch_tokens: int,
    length_noise: float,
    seed: int,
    epoch: int,
    shard: int = 0,
) -> BatchPlan:
    """Returns pairs in batches of similar length, shuffled by (seed, epoch, shard).

    `lengths_N` has the length of each pair's longer side. Pairs are sorted by it times a random
    factor from 1 to 1 + `length_noise`, so that epochs have different batches.

    A batch has as many pairs as fit into `batch_tokens` when each is padded to the longest side
    in the batch; a pair that is longer than that is a batch by itself.
    """
    shuffler = random.Random(f"{seed}:{epoch}:{shard}" if shard else f"{seed}:{epoch}")
    noise_N = _draws(shuffler, len(lengths_N))
    pairs_N = np.argsort(lengths_N * (1 + length_noise * noise_N), kind="stable")
    starts_B1 = _starts(lengths_N[pairs_N], batch_tokens)
    order_B = list(range(len(starts_B1) - 1))
    shuffler.shuffle(order_B)
    return BatchPlan(pairs_N, starts_B1, order_B)


def _draws(generator: random.Random, count: int) -> NDArray[np.float64]:
    """Returns what `count` calls of `generator.random()` return, and leaves it in their state.

    numpy's older generator is the same Mersenne Twister and makes numbers in the same way.
    """
    version, state, gauss = generator.getstate()
    same = np.random.RandomState()
    same.set_state(("MT19937", np.array(state[:-1], np.uint32), int(state[-1]), 0, 0.0))
    drawn = same.random_sample(count)
    _, keys, place, *_ = same.get_state()
    generator.setstate((version, (*map(int, keys), int(place)), gauss))
    return drawn


def _starts(lengths_N: NDArray[np.int64], batch_tokens: int) -> NDArray[np.int64]:
    """Returns the places at which batches start, and the end."""
    starts, start, end = [0], 0, len(lengths_N)
    while start < end:
        most = batch_tokens // int(lengths_N[start]) + 1
        longest = np.maximum.accumulate(lengths_N[start : start + most])
        fits = longest * np.arange(1, len(longest) + 1) <= batch_tokens
        count = len(fits) if fits.all() else int(fits.argmin())
        start += max(1, count)
        starts.append(start)
    return np.array(starts)


class PlannedBatches(Dataset[Batch]):
    """One process's rows of the planned batches, as a dataset of torch."""

    def __init__(
        self,
        pairs: TokenizedPairs,
        plan: Sequence[NDArray[np.int64]],
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
        planned = self.plan[index]
        rows = np.arange(self.rank, len(planned), self.process_count)
        # without a row, a process computes the first one with all targets ignored
        own = planned[rows] if len(rows) else planned[:1]
        padding, start, end = self.special.padding, self.special.start, self.special.end
        sources, targets = self.pairs.sources, self.pairs.targets
        source_BS = _padded(sources, own, padding, last=end)
        target_out_BT = _padded(targets, own, padding, last=end)
        return Batch(
            source_BS=source_BS,
            mask_BS=source_BS != padding,
            target_in_BT=_padded(targets, own, padding, first=start),
            target_out_BT=(target_out_BT if len(rows) else torch.full_like(target_out_BT, padding)),
            rows_B=torch.from_numpy(rows if len(rows) else np.zeros(1, np.int64)),
            global_rows=len(planned),
            pairs_N=torch.from_numpy(planned),
            global_tokens=int(targets.lengths_of(planned).sum()) + len(planned),
            placeholders=self.pairs.placeholders(own),
        )


def _padded(
    lists: IdLists,
    places_B: NDArray[np.int64],
    padding_id: int,
    *,
    first: int | None = None,
    last: int | None = None,
) -> Tensor:
    """Returns the lists at the places as one tensor, after `first` or before `last`, each padded
    at its end to the longest.
    """
    begins_B, lengths_B = lists.offsets_N1[places_B], lists.lengths_of(places_B)
    shift = 0 if first is None else 1
    padded_BL = np.full((len(places_B), int(lengths_B.max()) + 1), padding_id, dtype=np.int64)
    columns_L = np.arange(padded_BL.shape[1] - 1)
    real_BL = columns_L < lengths_B[:, None]
    padded_BL[:, shift : shift + len(columns_L)][real_BL] = lists.ids_I[
        (begins_B[:, None] + columns_L)[real_BL]
    ]
    if first is not None:
        padded_BL[:, 0] = first
    if last is not None:
        padded_BL[np.arange(len(places_B)), lengths_B] = last
    return torch.from_numpy(padded_BL)


def pad(sequences: Sequence[Sequence[int]], padding_id: int) -> Tensor:
    """Returns the sequences as one tensor, each padded at its end to the longest."""
    longest = max(map(len, sequences))
    return torch.tensor([[*ids, *[padding_id] * (longest - len(ids))] for ids in sequences])
