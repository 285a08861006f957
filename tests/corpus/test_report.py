"""The warnings about few training pairs and few held-out sentences."""

from __future__ import annotations

import pytest

from tracelate.corpus.report import (
    FEW_HELD_OUT,
    FEW_PAIRS,
    HARDLY_ANY_PAIRS,
    few_held_out_warning,
    few_pairs_warning,
    many_held_out_warning,
)


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


@pytest.mark.parametrize(
    ("pairs", "percent", "advice"),
    [
        (FEW_HELD_OUT - 1, 5, "set prepare.valid_percent to 6"),  # 5 * 200 / 199, rounded up
        (50, 5, "set prepare.valid_percent to 20"),
        (40, 5, "set prepare.valid_percent to 20, and add text of your own"),
        (40, 20, "add text of your own (docs/guides/own-text.md)"),
        (40, None, "add text to the validation files, 200 sentences or more"),
    ],
)
def test_few_validation_sentences_are_named_with_a_share_that_gives_enough(
    pairs: int, percent: float | None, advice: str
) -> None:
    line = few_held_out_warning("valid", pairs, percent)
    assert line == (
        f"only {pairs} validation sentences: which weights are kept is left to chance; {advice}"
    )


def test_few_test_sentences_are_named_and_enough_are_not() -> None:
    line = few_held_out_warning("test", 100, 10)
    assert line is not None and line.endswith("set prepare.test_percent to 20")
    assert few_held_out_warning("test", FEW_HELD_OUT, 10) is None


def test_more_held_out_sentences_than_a_score_needs_are_named_with_a_share() -> None:
    line = many_held_out_warning("test", 100_000, 10)
    assert line is not None and line.endswith("set prepare.test_percent to 0.5")
    assert many_held_out_warning("test", 20_000, 10) is None
    assert many_held_out_warning("test", 100_000, None) is None  # a ready-made split
