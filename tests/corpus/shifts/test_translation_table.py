from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from tracelate.corpus.shifts import translation_table
from tracelate.corpus.shifts.translation_table import (
    UNLINKED,
    learn_table,
    log_likelihood_ratio,
    occurrences,
)
from tracelate.corpus.shifts.words import words_of

# the textbook example of Model 1 (Knight 1999), three times, as words need three occurrences
SOURCES = pa.array(["the house", "the book", "a book"] * 3)
TARGETS = pa.array(["das haus", "das buch", "ein buch"] * 3)


def test_the_table_learns_which_words_translate_each_other() -> None:
    table = learn_table(words_of(SOURCES), words_of(TARGETS))
    ratios = table.expected(words_of(pa.array(["house", "book"]))).toarray()
    present = table.present(words_of(pa.array(["haus", "buch"]))).toarray()
    found = ratios @ present.T  # by source and target word
    assert found[0, 0] > found[0, 1] and found[1, 1] > found[1, 0]


def test_the_probabilities_are_those_of_expectation_maximisation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(translation_table, "ITERATIONS", 1)
    table = learn_table(words_of(SOURCES), words_of(TARGETS))
    # the first step starts from t(das, haus, buch | the) = 1/3, t(das, haus | house) = 1/2: of das
    # in "the house", the has the share 1/3 / (1/3 + 1/2) = 2/5, as of haus; in "the book" 1/2 each
    das, haus, buch = 2 / 5 + 1 / 2, 2 / 5, 1 / 2
    expected = das / (das + haus + buch) / (2 / 6)  # of six target words, two are das
    ratios = table.expected(words_of(pa.array(["the"])))
    [found] = (ratios @ table.present(words_of(pa.array(["das"]))).T).toarray().reshape(-1)
    assert found == pytest.approx(expected)


def test_a_translation_has_a_higher_ratio_than_any_other_text() -> None:
    table = learn_table(words_of(SOURCES), words_of(TARGETS))
    expected = table.expected(words_of(SOURCES))
    right = log_likelihood_ratio(expected, table.present(words_of(TARGETS)))
    wrong = log_likelihood_ratio(
        expected, table.present(words_of(pa.array([*TARGETS.to_pylist()[1:], "das haus"])))
    )
    assert (right > wrong).all()
    [none] = log_likelihood_ratio(
        table.expected(words_of(pa.array(["unknown"]))), table.present(words_of(pa.array(["das"])))
    )
    assert none == pytest.approx(math.log(UNLINKED))


def test_links_above_the_limit_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation_table, "MOST_LINKS", 4)  # those of the first text
    table = learn_table(words_of(SOURCES), words_of(TARGETS))
    assert table.ratios.nnz == 4


def test_nothing_is_learned_from_words_that_are_rare() -> None:
    words = words_of(pa.array(["one two"]))
    assert learn_table(words, words).ratios.shape == (0, 0)
    assert occurrences(words, np.zeros(0, np.uint64)).shape == (1, 0)
