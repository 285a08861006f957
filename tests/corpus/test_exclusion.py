"""Pairs that are selected by text or origin, one by one and in a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.corpus.exclusion import PairSelection, selection
from tracelate.corpus.pairs import Pair, table_of, write_pairs
from tracelate.text.normaliser import Normaliser

PAIRS = [
    Pair("a", "x", "g", "en/one.json:title"),
    Pair("b", "a", "g", "en/one.json:body::text"),
    Pair("c", "y", "g", "en/one.jsonl:1"),
    Pair("d", "z", "g", "en/two.json"),
]


def matches(chosen: PairSelection, pairs: list[Pair]) -> list[bool]:
    return [
        found
        for batch in table_of(pairs).to_batches()
        for found in chosen.matches(batch).to_pylist()
    ]


@pytest.mark.parametrize(
    ("pairs", "places"),
    [
        (selection(["a"], []), [0, 1]),
        (selection([], ["en/one.json"]), [0, 1]),
        (selection([], ["en/one.json:title"]), [0]),
        (selection([], ["en/two.json", "en/one.jsonl"]), [2, 3]),
        (selection(["z"], ["en/one.jsonl:1"]), [2, 3]),
        (selection([], ["en", "en/one", "json", "title"]), []),
        (selection(["A", "a ", ""], []), []),
        (selection([], []), []),
    ],
)
def test_pairs_are_selected_by_whole_text_and_by_file_or_place(
    tmp_path: Path, pairs: PairSelection, places: list[int]
) -> None:
    assert list(np.flatnonzero(matches(pairs, PAIRS))) == places
    write_pairs(tmp_path / "pairs.parquet", PAIRS)
    assert pairs.count_in(tmp_path / "pairs.parquet") == len(places)


TEXTS = st.sampled_from(["a", "b", "", "a:b", "a:", "%", "a_b", "é"])


@given(
    st.lists(st.builds(Pair, TEXTS, TEXTS, TEXTS, TEXTS), max_size=20),
    st.builds(selection, st.lists(TEXTS, max_size=3), st.lists(TEXTS, max_size=3)),
)
def test_a_file_is_counted_as_its_pairs_are(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Pair], pairs: PairSelection
) -> None:
    path = tmp_path_factory.mktemp("pairs") / "pairs.parquet"
    write_pairs(path, rows)
    expected = [
        bool({row.source, row.target} & pairs.texts)
        or any(row.origin == one or row.origin.startswith(f"{one}:") for one in pairs.origins)
        for row in rows
    ]
    assert matches(pairs, rows) == expected
    assert pairs.count_in(path) == sum(expected)


def test_texts_are_compared_as_the_normaliser_writes_them() -> None:
    chosen = selection(["caf\u0065\u0301  con\u00adnect"], [])
    assert chosen.normalised(Normaliser(["nfc", "white_space"])).texts == {"café con\u00adnect"}
    everything = Normaliser(["nfc", "invisible", "white_space"])
    assert chosen.normalised(everything).texts == {"café connect"}
