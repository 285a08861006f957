from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tracelate.corpus.pairs import Pair, write_pairs
from tracelate.inspection import frequent
from tracelate.inspection.frequent import FrequentPair, KeyCounts, frequent_pairs


def test_frequent_pairs_are_counted_over_all_files(tmp_path: Path) -> None:
    texts = {"train": "aaaabbbc", "test": "aadd"}
    for name, letters in texts.items():
        pairs = [Pair(letter, letter.upper(), "", str(at)) for at, letter in enumerate(letters)]
        write_pairs(tmp_path / f"{name}.parquet", pairs)
    raw = {name: tmp_path / f"{name}.parquet" for name in texts}
    assert frequent_pairs(raw, 2) == [FrequentPair("a", "A", 6), FrequentPair("b", "B", 3)]
    assert len(frequent_pairs(raw, 9)) == 3  # one that occurs once is not frequent


def test_progress_counts_both_readings(tmp_path: Path) -> None:
    pairs = [Pair(str(at % 7), "", "", str(at)) for at in range(20)]
    write_pairs(tmp_path / "all.parquet", pairs)
    calls: list[tuple[str, int, int]] = []
    frequent_pairs({"all": tmp_path / "all.parquet"}, 7, lambda *call: calls.append(call))
    assert calls == [("frequent pairs", 20, 40)] * 2


def test_sides_that_are_exchanged_are_another_pair(tmp_path: Path) -> None:
    write_pairs(tmp_path / "all.parquet", [Pair("a", "b", "", "1"), Pair("b", "a", "", "2")])
    assert frequent_pairs({"all": tmp_path / "all.parquet"}, 5) == []


def test_counts_above_the_limit_are_too_low_by_a_known_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frequent, "MOST_KEYS", 50)
    draw = random.Random(3)
    keys = [
        draw.randrange(5) if draw.random() < 0.5 else draw.randrange(10**6) for _ in range(9_000)
    ]
    counts, exact = KeyCounts(), Counter(keys)
    for start in range(0, len(keys), 300):
        counts.add(np.array(keys[start : start + 300], np.uint64))
    found = counts.most_frequent(5)
    assert set(found) == set(range(5))
    for key, count in found.items():
        assert exact[key] - len(keys) / 50 <= count <= exact[key]
