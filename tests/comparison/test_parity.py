"""Parity requires equal translations, and names the first difference."""

from __future__ import annotations

import pytest

from tracelate.comparison.parity import compare_translations, describe


def test_equal_translations_have_parity() -> None:
    parity = compare_translations(["uno", ""], ["uno", ""])
    assert parity.holds
    assert describe(parity) == "the same words in all 2 test sentences"


def test_one_different_sentence_breaks_parity_and_is_named() -> None:
    parity = compare_translations(["uno", "dos", "tres"], ["uno", "dos ", "cuatro"])
    assert not parity.holds
    assert [one.number for one in parity.differences] == [2, 3]
    assert describe(parity) == (
        "2 of 3 test sentences differ, first in sentence 2: 'dos' and 'dos '"
    )


def test_without_sentences_there_is_no_parity() -> None:
    assert not compare_translations([], []).holds


def test_missing_translations_are_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        compare_translations(["uno", "dos"], ["uno"])
