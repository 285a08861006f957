from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from tests.corpus.shifts.made_text import made_pairs, with_shift
from tracelate.corpus.pairs import Pair, table_of
from tracelate.corpus.shifts.pair_model import Lengths, PairModel, learn_model, texts_of

PAIRS = made_pairs(1_500)


def blocks_of(pairs: list[Pair]) -> list[pa.RecordBatch]:
    return list(table_of(pairs).combine_chunks().to_batches(max_chunksize=100))


@cache
def model() -> PairModel:
    return learn_model(blocks_of(PAIRS))


def odds_of(pairs: list[Pair], learned: PairModel) -> dict[int, np.ndarray]:
    table = table_of(pairs).combine_chunks()
    [batch] = table.to_batches()
    return learned.log_odds(texts_of(batch["source"]), texts_of(batch["target"]))


def test_a_source_has_higher_odds_than_its_neighbours() -> None:
    odds = odds_of(made_pairs(1_700)[1_500:], model())
    assert len(odds[0]) == 198  # without the first and the last
    assert (odds[0] > np.maximum(odds[1], odds[-1])).mean() > 0.95


@pytest.mark.parametrize("shift", [-1, 1])
def test_the_neighbour_that_a_target_translates_has_higher_odds(shift: int) -> None:
    odds = odds_of(with_shift(PAIRS[:100], 10, 50, shift), model())
    inside = odds[shift][10:58]  # of the rows 11 to 58
    assert (inside > np.maximum(odds[0], odds[-shift])[10:58]).mean() > 0.95


@pytest.mark.parametrize("shift", [-1, 1])
def test_a_corpus_that_is_shifted_as_a_whole_is_learned_from(shift: int) -> None:
    shifted = with_shift(PAIRS, 0, len(PAIRS) - 1, shift)
    odds = odds_of(PAIRS[:200], learn_model(blocks_of(shifted)))
    assert (odds[0] > np.maximum(odds[1], odds[-1])).mean() > 0.95


def test_shifted_runs_in_the_sample_change_the_weights_little() -> None:
    pairs = PAIRS
    for first in range(20, 1_400, 100):
        pairs = with_shift(pairs, first, 20, 1)  # a fifth of all pairs
    found = learn_model(blocks_of(pairs)).weights
    assert found[1] > model().weights[1] / 2


def test_the_ratio_of_lengths_is_that_of_normal_distributions() -> None:
    lengths = Lengths(3.0, 0.5, 4.0, 0.25, 0.6)
    x, y = 3.5, 4.1  # 1 and 0.4 deviations above the means
    joint = np.exp(-((0.4 - 0.6) ** 2) / (2 * 0.64)) / np.sqrt(0.64)
    expected = np.log(joint / np.exp(-(0.4**2) / 2))
    [found] = lengths.log_likelihood_ratio(np.array([x]), np.array([y]))
    assert found == pytest.approx(expected)


def test_texts_without_words_have_odds_too() -> None:
    odds = odds_of([Pair("", "", "", "")] * 3 + [Pair("…", "!", "", "")], model())
    assert all(np.isfinite(values).all() for values in odds.values())
