from __future__ import annotations

from pathlib import Path

from tracelate.corpus.pairs import Pair, read_batches, table_of, write_pairs
from tracelate.inspection.outcomes import Comparison, Outcomes, compare

PAIRS = [Pair(f"source {place}", f"target {place}", "", f"file:{place}") for place in range(40)]


def outcomes_of(names: dict[str, range]) -> Outcomes:
    outcomes = Outcomes()
    for name, places in names.items():
        for batch in table_of(PAIRS[place] for place in places).to_batches():
            outcomes.add(name, batch)
    return outcomes


def compared(folder: Path, before: dict[str, range], after: dict[str, range]) -> Comparison:
    write_pairs(folder / "all.parquet", PAIRS)
    assert sum(batch.num_rows for batch in read_batches(folder / "all.parquet")) == len(PAIRS)
    raw = {"all": folder / "all.parquet"}
    calls: list[tuple[str, int, int]] = []
    outcomes = outcomes_of(before), outcomes_of(after)
    found = compare(raw, *outcomes, 4, 1, lambda *call: calls.append(call))
    assert calls == [("samples of the comparison", len(PAIRS), len(PAIRS))]
    return found


def test_pairs_that_one_of_two_settings_keeps_are_counted_and_sampled(tmp_path: Path) -> None:
    before = {"train": range(30), "empty": range(30, 40)}
    after = {"duplicate": range(10), "train": range(10, 25), "test": range(25, 35),
             "empty": range(35, 40)}  # fmt: skip
    found = compared(tmp_path, before, after)
    assert (found.only_before, found.only_after, found.other_split) == (10, 5, 5)
    assert [len(found.lost), len(found.gained)] == [4, 4]
    for pair in found.lost:
        assert (pair.before, pair.after) == ("train", "duplicate")
        assert int(pair.origin.partition(":")[2]) < 10
        assert pair.source == f"source {pair.origin.partition(':')[2]}"
    for pair in found.gained:
        assert (pair.before, pair.after) == ("empty", "test")


def test_equal_settings_change_nothing(tmp_path: Path) -> None:
    same = {"train": range(30), "empty": range(30, 40)}
    assert compared(tmp_path, same, same) == Comparison(0, 0, 0, [], [])
