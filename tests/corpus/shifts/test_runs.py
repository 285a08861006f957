from __future__ import annotations

import random

import numpy as np
import pytest

from tracelate.corpus.shifts.runs import Rows, RunFinder


def found(evidence: list[float], threshold: float = 3.0, size: int = 1000) -> list[Rows]:
    finder = RunFinder(threshold)
    for start in range(0, len(evidence), size):
        finder.add(np.array(evidence[start : start + size]))
    return finder.close()


def test_a_run_has_the_rows_whose_evidence_adds_up() -> None:
    assert found([-1, -1, 1, 1, 1, 1, -1, -1, -1, -1]) == [Rows(2, 5)]
    assert Rows(2, 5).pairs == 4


def test_a_run_may_begin_with_the_first_row_and_end_with_the_last() -> None:
    assert found([1, 1, 1]) == [Rows(0, 2)]
    assert found([-9, 1, 1, 1, 1, -1]) == [Rows(1, 4)]


def test_less_than_the_threshold_is_no_run_and_no_gap() -> None:
    assert found([1, 1, -5, 1, 1, -5, 2.9, -5]) == []
    assert found([1, 1, 1, 1, -1, -1, 1, 1, 1, -1, -1, -1]) == [Rows(0, 8)]


def test_two_runs_with_a_gap_are_two() -> None:
    assert found([-1, 2, 2, -2, -2, 2, 2, -1, -1, -1]) == [Rows(1, 2), Rows(5, 6)]


@pytest.mark.parametrize("size", [1, 2, 7, 50])
def test_batches_of_any_size_give_the_same_runs(size: int) -> None:
    draw = random.Random(5)
    evidence = [draw.gauss(0.8 if line // 40 % 2 else -1, 1) for line in range(400)]
    whole = found(evidence)
    assert len(whole) > 2
    assert found(evidence, size=size) == whole
