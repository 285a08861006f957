"""Plans of batches, and the part of each process."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.toy import SPECIAL
from tracelate.corpus.tokenized import TokenizedPair, TokenizedPairs
from tracelate.training.batches import PlannedBatches, pad, plan_batches

lengths = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=60)


def plan(
    pairs: TokenizedPairs,
    batch_tokens: int,
    *,
    length_noise: float = 0.1,
    seed: int = 1,
    epoch: int = 0,
) -> list[list[int]]:
    planned = plan_batches(
        pairs.lengths_N,
        batch_tokens=batch_tokens,
        length_noise=length_noise,
        seed=seed,
        epoch=epoch,
    )
    return [batch.tolist() for batch in planned]


def plan_of_each_pair(
    lengths: list[int], batch_tokens: int, length_noise: float, seed: int, epoch: int
) -> list[list[int]]:
    """The plan as it is defined, with a draw and a decision for each pair in turn."""
    shuffler = random.Random(f"{seed}:{epoch}")
    noisy = [length * (1 + length_noise * shuffler.random()) for length in lengths]
    batches: list[list[int]] = []
    longest = 0
    for index in sorted(range(len(lengths)), key=noisy.__getitem__):
        longest = max(longest, lengths[index])
        if not batches or longest * (len(batches[-1]) + 1) > batch_tokens:
            batches.append([])
            longest = lengths[index]
        batches[-1].append(index)
    shuffler.shuffle(batches)
    return batches


def make_pairs(sizes: list[tuple[int, int]]) -> TokenizedPairs:
    return TokenizedPairs.of(
        [
            TokenizedPair([3 + place % 9] * source, [4 + place % 7] * target)
            for place, (source, target) in enumerate(sizes)
        ]
    )


@given(
    lengths,
    st.integers(1, 100),
    st.sampled_from([0.0, 0.1, 3.0]),
    st.integers(0, 9),
    st.integers(0, 5),
)
def test_the_plan_is_that_of_a_decision_for_each_pair(
    sizes: list[tuple[int, int]], batch_tokens: int, length_noise: float, seed: int, epoch: int
) -> None:
    longer = [max(one) + 1 for one in sizes]
    expected = plan_of_each_pair(longer, batch_tokens, length_noise, seed, epoch)
    found = plan(make_pairs(sizes), batch_tokens, length_noise=length_noise, seed=seed, epoch=epoch)
    assert found == expected


def test_a_long_plan_is_that_of_a_decision_for_each_pair() -> None:
    sizes = np.random.default_rng(1).integers(1, 40, 5000)
    expected = plan_of_each_pair([int(size) + 1 for size in sizes], 300, 0.1, 3, 2)
    pairs = make_pairs([(int(size), 1) for size in sizes])
    assert plan(pairs, 300, seed=3, epoch=2) == expected


@given(lengths, st.integers(1, 100), st.integers(0, 5))
def test_every_pair_is_in_one_batch(
    sizes: list[tuple[int, int]], batch_tokens: int, epoch: int
) -> None:
    batches = plan(make_pairs(sizes), batch_tokens, epoch=epoch)
    assert sorted(index for batch in batches for index in batch) == list(range(len(sizes)))


@given(lengths, st.integers(1, 100))
def test_no_batch_exceeds_the_limit_except_a_single_long_pair(
    sizes: list[tuple[int, int]], batch_tokens: int
) -> None:
    for batch in plan(make_pairs(sizes), batch_tokens):
        padded = len(batch) * max(max(sizes[index]) + 1 for index in batch)
        assert padded <= batch_tokens or len(batch) == 1


def test_the_plan_depends_on_seed_and_epoch_alone() -> None:
    pairs = make_pairs([(size % 11 + 1, size % 13 + 1) for size in range(200)])
    plans = [
        plan(pairs, 64, seed=seed, epoch=epoch) for seed, epoch in [(1, 0), (1, 0), (1, 1), (2, 0)]
    ]
    assert plans[0] == plans[1]
    assert plans[0] != plans[2] != plans[3] != plans[0]


def test_with_length_noise_epochs_have_other_batches_and_without_it_the_same() -> None:
    pairs = make_pairs([(size % 11 + 1, size % 13 + 1) for size in range(200)])

    def batches(length_noise: float, epoch: int) -> list[list[int]]:
        planned = plan(pairs, 64, length_noise=length_noise, epoch=epoch)
        return sorted(sorted(batch) for batch in planned)

    assert batches(0.0, 0) == batches(0.0, 1)
    assert batches(0.1, 0) != batches(0.1, 1)


def test_pairs_in_a_batch_have_similar_lengths() -> None:
    pairs = make_pairs([(size % 20 + 1, size % 20 + 1) for size in range(400)])
    real = padded = 0
    for batch in plan(pairs, 200):
        sizes = [len(pairs[index].target_ids) + 1 for index in batch]
        real, padded = real + sum(sizes), padded + len(sizes) * max(sizes)
    assert real / padded > 0.85


@pytest.mark.parametrize("process_count", [1, 2, 3])
def test_processes_divide_the_same_batches_among_them(process_count: int) -> None:
    pairs = make_pairs([(2, 5), (4, 3), (1, 1), (7, 7), (3, 2)])
    batches = [np.array(batch) for batch in ([4, 0, 2], [3], [1])]
    shares = [
        PlannedBatches(pairs, batches, SPECIAL, rank=rank, process_count=process_count)
        for rank in range(process_count)
    ]
    for number, planned in enumerate(batches):
        seen: Counter[int] = Counter()
        tokens = 0
        for share in shares:
            batch = share[number]
            counted = (batch.target_out_BT != SPECIAL.padding).sum(dim=1).tolist()
            tokens += sum(counted)
            for row, count in zip(batch.rows_B.tolist(), counted, strict=True):
                seen[row] += count > 0
                assert count in (0, len(pairs[planned[row]].target_ids) + 1)
            assert batch.global_rows == len(planned)
        assert seen == Counter(range(len(planned)))
        assert tokens == share[number].global_tokens


def test_a_batch_adds_start_and_end_tokens() -> None:
    pairs = TokenizedPairs.of([TokenizedPair([5, 6, 7], [8]), TokenizedPair([9], [10, 11], ("x",))])
    batch = PlannedBatches(pairs, [np.array([0, 1])], SPECIAL)[0]
    assert batch.placeholders == [(), ("x",)]
    assert batch.source_BS.tolist() == [[5, 6, 7, 2], [9, 2, 0, 0]]
    assert batch.mask_BS.tolist() == [[True] * 4, [True, True, False, False]]
    assert batch.target_in_BT.tolist() == [[1, 8, 0], [1, 10, 11]]
    assert batch.target_out_BT.tolist() == [[8, 2, 0], [10, 11, 2]]
    assert batch.global_tokens == 5


def test_padding_is_at_the_end() -> None:
    assert pad([[1, 2, 3], [4]], 0).tolist() == [[1, 2, 3], [4, 0, 0]]
