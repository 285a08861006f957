from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.corpus.mixture import Mixture, source_of, take_pairs, with_name
from tracelate.corpus.pairs import SCHEMA, TIME, Pair, pairs_of, table_of
from tracelate.corpus.provenance import Share
from tracelate.errors import InputError


def pairs(count: int, name: str = "a") -> list[Pair]:
    return [Pair(f"s{n}", f"t{n}", f"{name}:g{n}", f"{name}:file:{n}") for n in range(count)]


def weigh(pairs: Sequence[Pair], weights: Mapping[str, float]) -> list[Pair]:
    """Returns each pair as often as it is written to the training text."""
    mixture = Mixture({name: Share(weight, {}) for name, weight in weights.items()})
    copies = mixture.copies(table_of(pairs).combine_chunks().to_batches()[0])
    return [pair for pair, count in zip(pairs, copies, strict=True) for _ in range(count)]


def test_the_name_of_the_source_begins_group_and_origin() -> None:
    table = pa.concat_tables([table_of([Pair("s", "t", "g", "f:1")])] * 2)
    named = with_name(table, "news")
    assert list(pairs_of(named)) == [Pair("s", "t", "news:g", "news:f:1")] * 2
    assert named.schema == SCHEMA
    assert source_of("news:f:1") == "news"


def test_times_stay_beside_the_named_pairs_and_with_those_that_are_taken() -> None:
    times = pa.array(range(10), TIME.type)
    table = table_of(pairs(10)).append_column(TIME, [times])
    named = with_name(table, "news")
    assert named.schema == SCHEMA.append(TIME) and named[TIME.name].to_pylist() == times.to_pylist()
    taken = take_pairs(table, 4)
    numbers = [int(pair.source[1:]) for pair in pairs_of(taken)]
    assert taken[TIME.name].cast(pa.int64()).to_pylist() == numbers


@pytest.mark.parametrize("weight", [0.25, 0.5, 1.0, 1.5, 2.0, 3.75])
def test_a_weight_is_the_mean_number_of_copies(weight: float) -> None:
    counts = Counter(weigh(pairs(4_000), {"a": weight}))
    copies = {counts[pair] for pair in pairs(4_000)}
    assert copies <= {int(weight), int(weight) + 1}
    # of 4,000 fractions of 0.5, the standard deviation is 32; five of them are allowed
    assert abs(sum(counts.values()) - weight * 4_000) <= (160 if weight % 1 else 0)


def test_each_source_has_its_own_weight_and_copies_follow_each_other() -> None:
    a, b = pairs(2, "a"), pairs(1, "b")
    weighed = list(weigh([a[0], b[0], a[1]], {"a": 2.0, "b": 1.0}))
    assert weighed == [a[0], a[0], b[0], a[1], a[1]]


@given(st.floats(0.01, 3), st.floats(0.01, 3))
def test_a_larger_weight_keeps_all_that_a_smaller_one_has(one: float, other: float) -> None:
    low, high = sorted((one, other))
    few = Counter(weigh(pairs(50), {"a": low}))
    assert few <= Counter(weigh(pairs(50), {"a": high}))


def test_the_choice_depends_on_the_text_alone() -> None:
    few = set(weigh(pairs(500), {"a": 0.5}))
    assert few == set(weigh(pairs(1_000)[::-1], {"a": 0.5})) & set(pairs(500))


def test_taken_pairs_keep_their_order_and_stay_when_others_are_added() -> None:
    taken = list(pairs_of(take_pairs(table_of(pairs(500)), 100)))
    assert len(taken) == 100
    assert taken == sorted(taken, key=lambda pair: int(pair.source[1:]))
    of_more = set(pairs_of(take_pairs(table_of(pairs(600)), 100)))
    assert of_more & set(pairs(500)) <= set(taken)
    assert take_pairs(table_of(pairs(5)), 5) == table_of(pairs(5))


def test_the_weight_does_not_choose_by_the_same_order_as_the_limit() -> None:
    taken = list(pairs_of(take_pairs(table_of(pairs(4_000)), 1_000)))
    # 500 expected, standard deviation 16
    assert 420 < len(list(weigh(taken, {"a": 0.5}))) < 580


def test_the_report_counts_what_was_read_kept_and_trained_on_by_source() -> None:
    mixture = Mixture({"a": Share(2.0, {"train": 9}), "b": Share(1.0, {"all": 5})})
    mixture.count("train", table_of([*pairs(3, "a"), *pairs(2, "b")]))
    mixture.count("valid", table_of(pairs(1, "b")))
    mixture.count_training(table_of([*pairs(3, "a"), *pairs(3, "a"), *pairs(2, "b")]))
    assert mixture.training_pairs == 8
    assert mixture.report() == {
        "a": {
            "read": {"train": 9},
            "kept": {"train": 3, "valid": 0, "test": 0},
            "weight": 2.0,
            "training_pairs": 6,
        },
        "b": {
            "read": {"all": 5},
            "kept": {"train": 2, "valid": 1, "test": 0},
            "weight": 1.0,
            "training_pairs": 2,
        },
    }


def test_weights_that_leave_no_training_pair_are_refused() -> None:
    mixture = Mixture({"a": Share(1e-9, {"all": 3})})
    mixture.count("train", table_of(pairs(3)))
    with pytest.raises(InputError, match="leave none of 3 training pairs: raise them"):
        mixture.refuse_without_training()


def test_a_corpus_of_one_source_stays_as_it_is() -> None:
    mixture = Mixture({})
    assert mixture.copies(table_of(pairs(3)).to_batches()[0]).tolist() == [1, 1, 1]
    mixture.count("train", table_of(pairs(3)))
    mixture.refuse_without_training()
    assert mixture.report() == {}
