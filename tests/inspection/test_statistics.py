from __future__ import annotations

import numpy as np
import pyarrow as pa

from tracelate.corpus.pairs import Pair, table_of
from tracelate.inspection.statistics import (
    LONGEST,
    RATIO_BINS,
    CharacterCounts,
    LengthCounts,
)


def lengths_of(*pairs: tuple[str, str]) -> LengthCounts:
    counts = LengthCounts()
    for batch in table_of(Pair(*one, "", "") for one in pairs).to_batches():
        counts.add(batch)
    return counts


def test_lengths_are_counted_by_side() -> None:
    counts = lengths_of(("abc", "ab"), ("abc", "x" * 5_000), ("", "é"))
    assert (counts.sources[3], counts.sources[0], counts.sources.sum()) == (2, 1, 3)
    assert (counts.targets[2], counts.targets[1], counts.targets[LONGEST]) == (1, 1, 1)


def test_ratios_are_of_widths_and_in_the_bins_of_their_logarithms() -> None:
    counts = lengths_of(("abcd", "汉字"), ("ab", "abcd"), ("a" * 100, "b"), ("", "b"))
    bins = np.flatnonzero(counts.ratios).tolist()
    # 1:1 is in the middle, 2:1 an eighth of the bins above, and 1:100 beyond the limit
    assert bins == [0, RATIO_BINS // 2, RATIO_BINS // 2 + RATIO_BINS // 8]


def test_characters_are_counted_by_script() -> None:
    counts = CharacterCounts()
    counts.add(pa.array(["aabé", "абa", ""]))
    counts.add(pa.array(["b1!"]))
    found = counts.summary()
    assert (found.different, found.once) == (7, 5)  # а, б, é, 1 and ! occur once
    assert {name: round(percent) for name, percent in found.scripts.items()} == {
        "Latin": 75,
        "Cyrillic": 25,
    }
    assert [(use.character, use.times) for use in found.foreign] == [("а", 1), ("б", 1)]


def test_the_frequent_characters_cover_the_text() -> None:
    counts = CharacterCounts()
    counts.add(pa.array(["a" * 9_990, "b" * 10, "ж"]))
    assert counts.summary().covering == 2  # of 10,001, 9,991 or more


def test_no_text_and_text_without_letters_have_no_script() -> None:
    assert CharacterCounts().summary().scripts == {}
    counts = CharacterCounts()
    counts.add(pa.array(["12 !"]))
    assert counts.summary().scripts == {} and counts.summary().different == 4
