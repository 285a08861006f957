from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.corpus import leakage
from tracelate.corpus.leakage import grams, measure_leakage, nearest, refuse_leakage
from tracelate.corpus.pairs import Pair
from tracelate.errors import InputError

TEXTS = st.lists(st.text("abC 1.!é", max_size=12), min_size=1, max_size=8)


def pair(source: str, target: str = "t") -> Pair:
    return Pair(source, target, "g", "o")


@given(TEXTS, TEXTS, st.sampled_from([1, 10, 10_000]))
def test_the_nearest_sentence_is_that_of_comparing_all_by_sets(
    held_out: list[str], train: list[str], cells: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leakage, "_CELLS", cells)
        found = [one for block in nearest(held_out, train) for one in block]
    assert [one.held_out for one in found] == list(range(len(held_out)))
    for one, text in zip(found, held_out, strict=True):
        similarities = [
            len(grams(text) & grams(other)) / len(grams(text) | grams(other)) for other in train
        ]
        assert one.similarity == pytest.approx(max(similarities))
        assert one.trained == similarities.index(max(similarities))


def test_case_digits_punctuation_and_spacing_make_no_difference() -> None:
    assert grams("Step 1: Press START!") == grams("step 2  press start")


def test_a_text_of_punctuation_is_alike_only_to_itself() -> None:
    assert grams("!?") == {"!?"} != grams("...")


def test_exact_and_near_leakage_are_told_apart() -> None:
    train = [pair("The door is open today", "a"), pair("Exactly this", "b")]
    held_out = [
        pair("the door is open today!", "c"),
        pair("Exactly this", "d"),
        pair("Something else altogether", "a"),
        pair("xyz", "e"),
    ]
    found = measure_leakage(held_out, train)
    assert (found.exact_source, found.exact_target, found.near_source) == (1, 1, 2)
    assert (found.exact_source_percent, found.near_source_percent) == (25.0, 50.0)
    assert [example.held_out for example in found.examples] == [
        "the door is open today!",
        "Exactly this",
    ]


def test_too_much_leakage_is_refused_with_three_examples() -> None:
    held_out = [pair(f"The door number {n} is open!") for n in range(5)]
    found = measure_leakage(held_out, [pair("the door number 9 is open")])
    refuse_leakage(found, 100.0)
    with pytest.raises(InputError, match=r"100\.0 % .*max_near_leakage_percent 20") as error:
        refuse_leakage(found, 20.0)
    assert str(error.value).count("is like 'the door number 9 is open'") == 3
