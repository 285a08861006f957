"""The warning about few training pairs."""

from __future__ import annotations

import pytest

from tracelate.corpus.report import FEW_PAIRS, HARDLY_ANY_PAIRS, few_pairs_warning


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (0, "learns single words at most"),
        (HARDLY_ANY_PAIRS - 1, "learns single words at most"),
        (HARDLY_ANY_PAIRS, "mostly wrong"),
        (FEW_PAIRS - 1, "mostly wrong"),
    ],
)
def test_few_training_pairs_are_named_with_what_to_expect(pairs: int, expected: str) -> None:
    line = few_pairs_warning(pairs, "en to gl")
    assert line is not None and expected in line
    assert line.startswith(f"only {pairs:,} training pairs of en to gl: ")


def test_enough_training_pairs_are_not_remarked() -> None:
    assert few_pairs_warning(FEW_PAIRS, "en to es") is None
