"""N-grams as numbers, compared with sets of strings."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from tracelate.corpus.grams import fold, grams_of

TEXTS = st.lists(st.text("abC 1.!éßİ हि-_①Ⓐ\u0301\x1c", max_size=12), max_size=8)


def folded(text: str) -> str:
    """Returns the text as `fold` should return it, by regular expressions."""
    case = text.casefold()
    words = regex.sub(r"[^\p{L}\p{M}\p{N}]+", " ", re.sub(r"\d", "0", case)).strip()
    return words or case


def string_grams(text: str, size: int) -> set[str]:
    whole = folded(text)
    if not whole:
        return set()
    return {whole[at : at + size] for at in range(max(1, len(whole) - size + 1))}


def grams(text: str, size: int = 5) -> set[int]:
    return set(grams_of(pa.array([text], pa.string()), size).hashes.tolist())


@given(TEXTS)
def test_texts_are_folded_as_by_regular_expressions(texts: list[str]) -> None:
    points = fold(pa.array(texts, pa.string()))
    whole = "".join(map(chr, points.codes))
    found = [whole[a:b] for a, b in zip(points.bounds[:-1], points.bounds[1:], strict=True)]
    assert found == [folded(text) for text in texts]


@given(TEXTS, st.integers(1, 6))
def test_numbers_stand_for_the_same_sets_as_strings(texts: list[str], size: int) -> None:
    found = grams_of(pa.array(texts, pa.string()), size)
    meaning: dict[int, str] = {}
    for place, text in enumerate(texts):
        hashes = set(found.hashes[found.rows == place].tolist())
        strings = string_grams(text, size)
        assert found.sizes[place] == len(hashes) == len(strings)
        meaning.update(dict.fromkeys(hashes, text))
    everything = set().union(*(string_grams(text, size) for text in texts))
    assert len(meaning) == len(everything)


def test_a_slice_of_a_column_is_read_from_its_own_beginning() -> None:
    column = pa.array(["other", "the door", "window"])
    assert set(grams_of(column.slice(1, 1), 5).hashes.tolist()) == grams("the door")


def test_case_digits_punctuation_and_spacing_make_no_difference() -> None:
    assert grams("Step 1: Press START!") == grams("step 2  press start")


def test_a_text_of_punctuation_is_alike_only_to_itself() -> None:
    assert grams("!?") == grams("!?") != grams("...")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("की", "कु"),  # Hindi: vowel signs
        ("ขาว", "ข่าว"),  # Thai: white and news differ in a tone mark
        ("ពី", "ពូ"),  # Khmer: from and uncle
        ("मीठा", "मोटा"),
    ],
)
def test_vowel_signs_and_tone_marks_distinguish_words(first: str, second: str) -> None:
    assert grams(first, 2) != grams(second, 2)


def test_a_text_of_exactly_a_gram_is_one_gram() -> None:
    assert len(grams("abcde")) == 1
    assert len(grams("abcdef")) == 2
    assert not grams("abcd") & grams("abcde")
