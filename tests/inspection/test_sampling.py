from __future__ import annotations

from collections import Counter

import pytest

from tracelate.corpus.pairs import Pair, table_of
from tracelate.inspection.sampling import PairSample

PAIRS = [Pair(f"source {place}", f"target {place}", "", f"file:{place}") for place in range(500)]


def sample_of(pairs: list[Pair], size: int = 20, seed: int = 1, batch: int = 70) -> PairSample:
    sample = PairSample(size, seed)
    for part in table_of(pairs).combine_chunks().to_batches(max_chunksize=batch):
        sample.add(part)
    return sample


@pytest.mark.parametrize("batch", [1, 33, 500])
def test_batches_and_order_change_no_sample(batch: int) -> None:
    found = sample_of(PAIRS)
    assert (len(found.pairs), found.count) == (20, 500)
    assert set(found.pairs) <= set(PAIRS)
    assert sample_of(PAIRS[::-1], batch=batch).pairs == found.pairs


def test_another_seed_draws_others_and_few_pairs_are_all_drawn() -> None:
    assert sample_of(PAIRS, seed=2).pairs != sample_of(PAIRS).pairs
    assert set(sample_of(PAIRS[:7]).pairs) == set(PAIRS[:7])
    assert sample_of([]).pairs == []


def test_every_pair_is_drawn_equally_often() -> None:
    counts = Counter(one for seed in range(200) for one in sample_of(PAIRS[:50], 10, seed).pairs)
    assert len(counts) == 50
    # 200 draws of 10 from 50: 40 times each, with a standard deviation of 5.7
    assert all(15 < count < 65 for count in counts.values())
