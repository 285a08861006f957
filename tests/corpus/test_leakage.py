from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.config import NearDuplicateConfig
from tracelate.corpus import leakage
from tracelate.corpus.leakage import grams, measure_leakage, nearest, refuse_leakage
from tracelate.corpus.pairs import Pair
from tracelate.errors import InputError

CONFIG = NearDuplicateConfig(similarity=0.8, gram=5)
TEXTS = st.lists(st.text("abC 1.!é", max_size=12), min_size=1, max_size=8)


def pair(source: str, target: str = "t") -> Pair:
    return Pair(source, target, "g", "o")


@given(TEXTS, TEXTS, st.sampled_from([1, 10, 10_000]))
def test_the_nearest_sentence_is_that_of_comparing_all_by_sets(
    held_out: list[str], train: list[str], cells: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leakage, "_CELLS", cells)
        found = [one for block in nearest(held_out, train, 5) for one in block]
    assert [one.held_out for one in found] == list(range(len(held_out)))
    for one, text in zip(found, held_out, strict=True):
        similarities = [
            len(grams(text, 5) & grams(other, 5)) / len(grams(text, 5) | grams(other, 5))
            for other in train
        ]
        assert one.similarity == pytest.approx(max(similarities))
        assert one.trained == similarities.index(max(similarities))


def test_case_digits_punctuation_and_spacing_make_no_difference() -> None:
    assert grams("Step 1: Press START!", 5) == grams("step 2  press start", 5)


def test_a_text_of_punctuation_is_alike_only_to_itself() -> None:
    assert grams("!?", 5) == {"!?"} != grams("...", 5)


def test_exact_and_near_leakage_are_distinguished() -> None:
    train = [pair("The door is open today", "a"), pair("Exactly this", "b")]
    held_out = [
        pair("the door is open today!", "c"),
        pair("Exactly this", "d"),
        pair("Something else altogether", "a"),
        pair("xyz", "e"),
    ]
    found = measure_leakage(held_out, train, CONFIG)
    assert (found.exact_source, found.exact_target, found.near_source) == (1, 1, 2)
    assert (found.exact_source_percent, found.near_source_percent) == (25.0, 50.0)
    assert [example.held_out for example in found.examples] == [
        "the door is open today!",
        "Exactly this",
    ]


def test_too_much_leakage_is_refused_with_three_examples() -> None:
    held_out = [pair(f"The door number {n} is open!") for n in range(5)]
    found = measure_leakage(held_out, [pair("the door number 9 is open")], CONFIG)
    refuse_leakage(found, 100.0)
    with pytest.raises(InputError, match=r"100\.0 % .*max_near_leakage_percent 20") as error:
        refuse_leakage(found, 20.0)
    assert str(error.value).count("is similar to 'the door number 9 is open'") == 3


@pytest.mark.parametrize(
    ("trained", "similarity"),
    [
        ("abcdefghi", 4 / 5),  # 5-grams: 4 in both, 5 in either
        ("abcdefghij", 4 / 6),
        ("abcdefgh", 1.0),
    ],
)
def test_a_similarity_of_exactly_the_limit_is_a_near_duplicate(
    trained: str, similarity: float
) -> None:
    held_out, train = [pair("abcdefgh")], [pair(trained)]
    for limit in (4 / 6, 0.8, 1.0):
        config = NearDuplicateConfig(similarity=limit, gram=5)
        found = measure_leakage(held_out, train, config)
        assert found.near_source == (similarity >= limit)


def test_longer_grams_make_fewer_near_duplicates() -> None:
    held_out, train = [pair("the green door")], [pair("the greed door")]
    near = [
        measure_leakage(held_out, train, NearDuplicateConfig(similarity=0.5, gram=gram)).near_source
        for gram in (1, 5)
    ]
    assert near == [1, 0]


def test_a_text_of_exactly_a_gram_is_one_gram() -> None:
    assert grams("abcde", 5) == {"abcde"}
    assert grams("abcdef", 5) == {"abcde", "bcdef"}


def test_leakage_of_exactly_the_limit_is_allowed() -> None:
    held_out = [pair("The door is open!"), *(pair(text) for text in ("xyz", "uvw", "rst"))]
    found = measure_leakage(held_out, [pair("the door is open")], CONFIG)
    assert found.near_source_percent == 25.0
    refuse_leakage(found, 25.0)
    with pytest.raises(InputError, match=r"25\.0 % of the test"):
        refuse_leakage(found, 24.9)


def test_examples_are_spread_from_the_most_to_the_least_similar() -> None:
    train = [pair("abcdefghijklmnopqrstuvwxyz")]
    held_out = [pair(train[0].source[:length]) for length in range(25, 13, -1)]
    config = NearDuplicateConfig(similarity=0.1, gram=5)
    found = measure_leakage(held_out, train, config, example_count=3)
    assert found.near_source == 12
    assert [len(example.held_out) for example in found.examples] == [25, 21, 17]
