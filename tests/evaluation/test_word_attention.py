"""Merging pieces into words, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tracelate.evaluation.word_attention import Span, choose_for_heat_maps, merge_pieces


def spans_of(sizes: list[int]) -> list[Span]:
    ends = np.cumsum(sizes).tolist()
    return [(end - size, end) for size, end in zip(sizes, ends, strict=True)]


sizes = st.lists(st.integers(1, 4), min_size=1, max_size=7)


def random_weights(rows: int, columns: int, seed: int) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = np.random.default_rng(seed).random((rows, columns)) + 1e-3
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


@given(sizes, sizes, st.integers(0, 99))
def test_merging_equals_plain_loops_and_rows_still_sum_to_one(
    target_sizes: list[int], source_sizes: list[int], seed: int
) -> None:
    targets, sources = spans_of(target_sizes), spans_of(source_sizes)
    weights_TS = random_weights(targets[-1][1], sources[-1][1], seed)

    merged = merge_pieces(weights_TS, targets, sources)

    assert merged.shape == (len(targets), len(sources))
    for row, (top, bottom) in enumerate(targets):
        for column, (left, right) in enumerate(sources):
            total = 0.0
            for target in range(top, bottom):
                for source in range(left, right):
                    total += weights_TS[target, source]
            assert merged[row, column] == pytest.approx(total / (bottom - top))
    assert merged.sum(axis=1) == pytest.approx(1)


def test_a_worked_example() -> None:
    weights_TS = np.array(
        [
            [0.5, 0.25, 0.25, 0.0, 0.0],
            [0.0, 0.5, 0.0, 0.25, 0.25],
            [0.0, 0.0, 0.0, 0.5, 0.5],
        ]
    )
    merged = merge_pieces(weights_TS, [(0, 2), (2, 3)], [(0, 1), (1, 3), (3, 5)])
    assert merged.tolist() == [[0.25, 0.5, 0.25], [0.0, 0.0, 1.0]]


def test_words_of_one_piece_change_nothing() -> None:
    weights_TS = random_weights(3, 5, seed=7)
    merged = merge_pieces(weights_TS, spans_of([1] * 3), spans_of([1] * 5))
    np.testing.assert_array_equal(merged, weights_TS)


def test_float32_weights_are_summed_in_float64_and_left_as_they_were() -> None:
    weights_TS = random_weights(3, 5, seed=7).astype(np.float32)
    before = weights_TS.copy()
    assert merge_pieces(weights_TS, [(0, 3)], [(0, 5)]).dtype == np.float64
    np.testing.assert_array_equal(weights_TS, before)


def test_target_pieces_may_be_left_out() -> None:
    weights_TS = random_weights(3, 5, seed=7)
    merged = merge_pieces(weights_TS, [(1, 2)], spans_of([1] * 5))
    np.testing.assert_array_equal(merged, weights_TS[1:2])


def test_an_empty_translation_gives_no_rows() -> None:
    assert merge_pieces(np.zeros((0, 5)), [], [(0, 5)]).shape == (0, 1)


@pytest.mark.parametrize(
    ("target_spans", "source_spans", "message"),
    [
        ([(0, 3)], [(0, 2), (3, 5)], "does not begin at piece 2"),
        ([(0, 3)], [(0, 3), (2, 5)], "does not begin at piece 3"),
        ([(0, 3)], [(1, 5)], "does not begin at piece 0"),
        ([(0, 3)], [(0, 0), (0, 5)], "does not begin at piece 0"),
        ([(0, 3)], [(0, 4)], "end at piece 4, the matrix at 5"),
        ([(0, 3)], [], "end at piece 0, the matrix at 5"),
        ([(0, 4)], [(0, 5)], "outside the matrix's 3 rows"),
        ([(-1, 2)], [(0, 5)], "outside the matrix's 3 rows"),
        ([(2, 2)], [(0, 5)], "is empty"),
    ],
)
def test_spans_that_would_lose_weight_or_leave_the_matrix_are_refused(
    target_spans: list[Span], source_spans: list[Span], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        merge_pieces(np.full((3, 5), 0.2), target_spans, source_spans)


def test_heat_maps_are_of_sentences_with_4_to_25_words() -> None:
    sources = [" ".join(["word"] * length) for length in (3, 4, 25, 26)]
    assert choose_for_heat_maps(sources, 9) == [1, 2]


def test_heat_maps_are_spread_evenly_from_short_to_long() -> None:
    lengths = [20, 4, 12, 8, 16]
    sources = [" ".join(["word"] * length) for length in lengths]
    for count, expected in ((0, []), (1, [12]), (2, [8, 16]), (5, [4, 8, 12, 16, 20])):
        assert [lengths[place] for place in choose_for_heat_maps(sources, count)] == expected
