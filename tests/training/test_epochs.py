"""Epochs of several shards: every pair once, the same for any part, and from any batch on."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.model.toy import SPECIAL
from tests.training.reversing import reversing_pairs, tokenizer, train_config
from tracelate.corpus.bpe_dropout import BpeDropout
from tracelate.corpus.tokenized import TokenizedPair
from tracelate.corpus.tokenized_file import TokenizedSplit
from tracelate.training.batches import Batch
from tracelate.training.epochs import EpochBatches, count_batches, count_steps

CONFIG = train_config(batch_tokens=40)
SIZES = (50, 47, 61)


def split(*sizes: int) -> TokenizedSplit:
    numbers = iter(range(4, 4 + sum(sizes)))
    return TokenizedSplit.of(
        *(
            [TokenizedPair([number] * (1 + number % 5), [number]) for number in numbers_of]
            for numbers_of in ([next(numbers) for _ in range(size)] for size in sizes)
        )
    )


def targets(batch: Batch) -> list[int]:
    """The target of each row with targets that are not ignored."""
    real = batch.target_out_BT[:, 0] != SPECIAL.padding
    return [int(one) for one in batch.target_out_BT[real, 0]]


def epoch(
    pairs: TokenizedSplit, number: int = 0, *, first: int = 0, parts: int = 1
) -> list[list[int]]:
    batches = EpochBatches(pairs, SPECIAL, CONFIG, epoch=number, first=first, parts=parts)
    return [targets(batch) for batch in batches]


def test_every_pair_is_in_one_batch_whose_pairs_are_of_one_shard() -> None:
    batches = epoch(split(*SIZES))
    assert Counter(one for batch in batches for one in batch) == Counter(range(4, 4 + sum(SIZES)))
    borders = np.cumsum([4, *SIZES])
    shards = [{int(np.searchsorted(borders, one, "right")) for one in batch} for batch in batches]
    assert all(len(one) == 1 for one in shards)


def test_epochs_have_other_orders_of_shards_and_batches() -> None:
    pairs = split(*SIZES)
    assert epoch(pairs) == epoch(pairs)
    firsts = {epoch(pairs, number)[0][0] for number in range(8)}
    assert len(firsts) > 3


@pytest.mark.parametrize("first", [0, 1, 7, 15, 29])
def test_an_epoch_goes_on_from_any_batch(first: int) -> None:
    pairs = split(*SIZES)
    assert epoch(pairs, 2, first=first) == epoch(pairs, 2)[first:]


def test_parts_together_have_the_rows_of_the_whole() -> None:
    pairs = split(*SIZES)
    whole, parts = epoch(pairs), epoch(pairs, parts=3)
    assert len(parts) == 3 * len(whole)
    for number, batch in enumerate(whole):
        found = [one for part in parts[3 * number : 3 * number + 3] for one in part]
        assert sorted(found) == sorted(batch)


def test_batches_and_steps_are_counted_by_the_first_epoch() -> None:
    assert count_batches(split(50), CONFIG) == len(epoch(split(50)))
    several = count_batches(split(*SIZES), CONFIG)
    assert several == pytest.approx(len(epoch(split(*SIZES))), abs=2)
    assert count_steps(split(*SIZES), CONFIG) == several * CONFIG.epochs
    assert count_steps(split(*SIZES), train_config(max_steps=5)) == 5
    assert count_batches(TokenizedSplit.of(), CONFIG) == 0


def rows_with_dropout(
    number: int = 0, *, first: int = 0, parts: int = 1, processes: int = 1
) -> list[list[tuple[list[int], list[int], int, int]]]:
    """The rows of each batch of all processes: both sides, tokens of the batch, and rows."""
    pairs, dropout = reversing_pairs(60, seed=3), BpeDropout(tokenizer(), 0.3, 1)
    epochs = [
        EpochBatches(
            *(pairs, SPECIAL, CONFIG),
            epoch=number,
            first=first,
            parts=parts,
            rank=rank,
            process_count=processes,
            dropout=dropout,
        )
        for rank in range(processes)
    ]
    shares = list(zip(*epochs, strict=True))
    together = [shares[at : at + parts] for at in range(0, len(shares), parts)]
    return [
        sorted(
            (source[source > 0].tolist(), row.tolist(), batch.global_tokens, batch.global_rows)
            for share in one
            for batch in share
            for source, target in zip(batch.source_BS, batch.target_out_BT, strict=True)
            if len(row := target[target > 0])
        )
        for one in together
    ]


def test_pairs_have_the_same_pieces_for_any_processes_parts_and_first_batch() -> None:
    whole = rows_with_dropout(1)
    for batch in whole:
        assert {tokens for *_, tokens, _ in batch} == {sum(len(row) for _, row, *_ in batch)}
    assert rows_with_dropout(1, parts=3) == whole
    assert rows_with_dropout(1, processes=2) == whole
    assert rows_with_dropout(1, first=4, processes=2, parts=2) == whole[4:]
    assert sorted(map(str, whole)) != sorted(map(str, rows_with_dropout(2)))
