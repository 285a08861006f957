"""Statistics of attention for matrices with known statistics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tracelate.evaluation.attention_statistics import attention_statistics


def statistics_of(*matrices: list[list[float]]) -> Any:
    return attention_statistics(np.array(matrix) for matrix in matrices)


def test_attending_to_one_word_after_the_other_is_sharp_monotone_and_covers_all() -> None:
    found = statistics_of([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert (found.entropy_nats, found.sharpness) == (0, 1)
    assert (found.monotonicity, found.uncovered) == (1, 0)


def test_uniform_attention_has_the_largest_entropy() -> None:
    found = statistics_of([[0.25] * 4] * 3)
    assert found.entropy_nats == pytest.approx(math.log(4))
    assert found.sharpness == pytest.approx(0.25)
    assert found.monotonicity == 1


def test_attending_from_the_end_is_not_monotone() -> None:
    assert statistics_of([[0, 0, 1], [0, 1, 0], [1, 0, 0]]).monotonicity == 0
    # of three steps, one goes back
    assert statistics_of([[1, 0], [0, 1], [1, 0], [0.5, 0.5]]).monotonicity == pytest.approx(2 / 3)


def test_source_words_with_little_weight_are_uncovered() -> None:
    assert statistics_of([[0.6, 0.4, 0, 0], [0.6, 0.2, 0.2, 0]]).uncovered == 0.5


def test_statistics_are_means_over_pieces_and_not_over_sentences() -> None:
    found = statistics_of([[1.0, 0.0]], [[0.5, 0.5]] * 3)
    assert found.sharpness == pytest.approx((1 + 3 * 0.5) / 4)


def test_sharpness_is_measured_by_position_in_the_translation() -> None:
    rows = [[1.0, 0.0]] * 10 + [[0.5, 0.5]] * 10
    assert statistics_of(rows).sharpness_by_position == pytest.approx([1.0] * 5 + [0.5] * 5)


def test_a_short_translation_has_a_piece_at_each_place() -> None:
    found = statistics_of([[1.0, 0.0], [0.5, 0.5]], [[0.75, 0.25]])
    assert found.sharpness_by_position == pytest.approx([0.875] * 5 + [0.625] * 5)


def test_weights_that_sum_to_less_than_one_are_normalised() -> None:
    rows = [[0.6, 0.2, 0.2], [0.0, 0.5, 0.5], [0.1, 0.2, 0.7]]
    less = [[share * part for share in row] for row, part in zip(rows, (0.5, 1, 0.1), strict=True)]
    for figure, expected in zip(statistics_of(less), statistics_of(rows), strict=True):
        assert figure == pytest.approx(expected)
    assert statistics_of([[0.5, 0.0]]).entropy_nats == 0


def test_a_model_without_attention_has_no_statistics() -> None:
    assert statistics_of([[0.0, 0.0]]) is None
