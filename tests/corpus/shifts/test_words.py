from __future__ import annotations

import numpy as np
import pyarrow as pa

from tracelate.corpus.shifts.words import MOST_WORDS, words_of


def hashes(text: str) -> list[int]:
    found: list[int] = words_of(pa.array([text])).hashes.tolist()
    return found


def anchors(text: str) -> set[int]:
    return set(words_of(pa.array([text])).anchors.tolist())


def test_words_are_the_same_wherever_they_are_and_however_they_are_written() -> None:
    assert hashes("The dog, the cat") == hashes("the DOG the cat.")
    [the, dog, again] = hashes("the dog the")
    assert the == again != dog
    assert hashes("dog the") == [dog, the]


def test_rows_count_texts_and_empty_ones_have_no_words() -> None:
    words = words_of(pa.array(["", "a b", "…", "c"]))
    assert words.rows.tolist()[-1] == 3 and {1, 3} <= set(words.rows.tolist())
    assert 0 not in words.rows.tolist()
    assert words.texts == 4
    assert len(words_of(pa.array(["", ""])).hashes) == 0


def test_scripts_without_blanks_have_a_word_for_each_character() -> None:
    assert len(hashes("我喜欢 iPhone15")) == 4
    assert len(hashes("สวัสดี")) == 6


def test_cognates_and_numbers_are_anchors_and_short_words_are_not() -> None:
    assert anchors("the information") == anchors("la información")
    assert anchors("room 12") & anchors("zimmer 12")
    assert not anchors("room 12") & anchors("zimmer 123")
    assert anchors("the old man") == set()


def test_a_text_has_at_most_so_many_words() -> None:
    words = words_of(pa.array(["a " * 100, "b"]))
    assert np.bincount(words.rows).tolist() == [MOST_WORDS, 1]
