from __future__ import annotations

import pyarrow as pa
import pytest

from tracelate.config import NearDuplicateConfig
from tracelate.corpus.leakage import Leakage, LeakageMeter, refuse_leakage, too_much_leakage
from tracelate.corpus.leakage import measure_leakage as measure_batches
from tracelate.corpus.pairs import Pair, table_of
from tracelate.errors import InputError

CONFIG = NearDuplicateConfig(similarity=0.8, gram=5)


def pair(source: str, target: str = "t") -> Pair:
    return Pair(source, target, "g", "o")


def measure_leakage(
    held_out: list[Pair], train: list[Pair], config: NearDuplicateConfig = CONFIG
) -> Leakage:
    """Measures with a training pair a batch, which gives the same as any other batches."""
    whole = measure_batches(held_out, table_of(train).to_batches(), config)
    single = measure_batches(held_out, table_of(train).to_batches(max_chunksize=1), config)
    assert whole == single
    return whole


def test_exact_and_near_leakage_are_distinguished_on_each_side() -> None:
    train = [pair("The door is open today", "ab"), pair("Exactly this", "La puerta está abierta")]
    held_out = [
        pair("the door is open today!", "c"),
        pair("Exactly this", "d"),
        pair("Something else altogether", "ab"),
        pair("xyz", "¡La puerta está abierta!"),
    ]
    found = measure_leakage(held_out, train)
    assert (found.exact_source, found.exact_target) == (1, 1)
    assert (found.near_source, found.near_target) == (2, 2)
    assert (found.exact_source_percent, found.near_source_percent) == (25.0, 50.0)
    assert [example.held_out for example in found.examples] == [
        "the door is open today!",
        "Exactly this",
    ]


def test_near_training_pairs_are_left_out_and_counted_apart() -> None:
    held_out = table_of([pair("The door is open", "x"), pair("A lamp is on", "yy")])
    meter = LeakageMeter(held_out, CONFIG, drop_near=True)
    train = table_of([pair("the door is open!", "x"), pair("A window", "yy")])
    assert meter.add(train.to_batches()[0]).tolist() == [True, False]
    rest = meter.leakage(slice(0, 2))
    assert (rest.exact_source, rest.near_source, rest.examples) == (0, 0, [])
    assert (rest.exact_target, rest.near_target) == (1, 1)  # not of the pair that is left out
    left_out = meter.left_out(slice(0, 2))
    assert left_out.held_out == 1
    assert [one.trained for one in left_out.examples] == ["the door is open!"]
    assert meter.left_out(slice(1, 2)).held_out == 0


def test_too_much_leakage_is_refused_with_three_examples() -> None:
    held_out = [pair(f"The door number {n} is open!") for n in range(5)]
    found = measure_leakage(held_out, [pair("the door number 9 is open")])
    refuse_leakage(found, 100.0)
    with pytest.raises(InputError, match=r"100\.0 % .*max_near_leakage_percent 20") as error:
        refuse_leakage(found, 20.0)
    assert str(error.value).count("is similar to 'the door number 9 is open'") == 3
    assert "set prepare.near_leakage to drop" in str(error.value)


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
    for limit in (4 / 6, 0.8, 1.0):
        config = NearDuplicateConfig(similarity=limit, gram=5)
        found = measure_leakage([pair("abcdefgh")], [pair(trained)], config)
        assert found.near_source == (similarity >= limit)


def test_longer_grams_make_fewer_near_duplicates() -> None:
    held_out, train = [pair("the green door")], [pair("the greed door")]
    near = [
        measure_leakage(held_out, train, NearDuplicateConfig(similarity=0.5, gram=gram)).near_source
        for gram in (1, 5)
    ]
    assert near == [1, 0]


@pytest.mark.parametrize(
    ("held_out", "trained"),
    [
        ("मेज पर किताब है", "मौज पर कतेब हो"),  # Hindi
        ("ข่าวมาไกล", "ขาวม้าใกล้"),  # Thai
        ("ពូមកពីភ្នំ", "ពីមកពូភ្នុំ"),  # Khmer
    ],
)
def test_sentences_that_differ_in_vowel_signs_are_not_alike(held_out: str, trained: str) -> None:
    config = NearDuplicateConfig(similarity=0.8, gram=3)
    assert measure_leakage([pair(held_out)], [pair(trained)], config).near_source == 0
    assert measure_leakage([pair(held_out)], [pair(f"{held_out}!")], config).near_source == 1


def test_leakage_of_exactly_the_limit_is_allowed() -> None:
    held_out = [pair("The door is open!"), *(pair(text) for text in ("xyz", "uvw", "rst"))]
    found = measure_leakage(held_out, [pair("the door is open")])
    assert found.near_source_percent == 25.0
    assert too_much_leakage("valid", found, 25.0) is None
    line = too_much_leakage("valid", found, 24.9)
    assert line is not None and line.startswith("25.0 % of the valid sentences")


def test_examples_are_spread_from_the_most_to_the_least_similar() -> None:
    train = [pair("abcdefghijklmnopqrstuvwxyz")]
    held_out = [pair(train[0].source[:length]) for length in range(25, 13, -1)]
    found = measure_leakage(held_out, train, NearDuplicateConfig(similarity=0.1, gram=5))
    assert found.near_source == 12
    assert [len(example.held_out) for example in found.examples] == [25, 23, 21, 19, 17]


def test_the_most_similar_training_text_is_the_example_and_the_first_of_equals() -> None:
    train = [pair("the door is opened"), pair("The door is open."), pair("the door is open")]
    [example] = measure_leakage([pair("The door is open!")], train).examples
    assert (example.trained, example.similarity) == ("The door is open.", 1.0)


def test_no_training_text_leaks_nothing() -> None:
    meter = LeakageMeter(table_of([pair("a")]), CONFIG)
    meter.add(pa.RecordBatch.from_pylist([], table_of([]).schema))
    assert meter.leakage(slice(0, 1)).near_source == 0
