from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.corpus.shifts.made_text import made_pairs, with_shift
from tracelate.corpus import pairs as pairs_module
from tracelate.corpus.pairs import Pair, read_batches, write_pairs
from tracelate.corpus.shifts import shifted_lines
from tracelate.corpus.shifts.runs import Rows
from tracelate.corpus.shifts.shifted_lines import (
    Shifted,
    find_shifted_runs,
    parted,
    refuse_shifted,
    report_runs,
    shifted_warnings,
)
from tracelate.errors import InputError

PAIRS = made_pairs(2_000)


def found_in(folder: Path, pairs: Sequence[Pair], name: str = "all") -> Shifted:
    write_pairs(folder / f"{name}.parquet", pairs)
    raw = {name: folder / f"{name}.parquet"}
    return report_runs(raw, find_shifted_runs(raw))


@pytest.mark.parametrize("shift", [-1, 1])
def test_a_run_is_named_by_its_place_with_examples(tmp_path: Path, shift: int) -> None:
    found = found_in(tmp_path, with_shift(PAIRS, 700, 30, shift))
    [run] = found.listed
    assert (found.runs, run.shift, run.split) == (1, shift, "all")
    assert abs(run.first_line - 701) <= 1 and abs(run.last_line - 730) <= 1
    assert run.pairs == found.pairs == run.last_line - run.first_line + 1
    assert (run.first, run.last) == (f"made.en:{run.first_line}", f"made.en:{run.last_line}")
    translations = {pair.target: pair.source for pair in PAIRS}
    assert len(run.examples) == 2
    for example in run.examples:
        assert translations[example.target] == example.translated != example.source


def test_aligned_text_has_no_run_and_neither_has_too_little_text(tmp_path: Path) -> None:
    assert found_in(tmp_path, PAIRS) == Shifted(0, 0, [])
    assert found_in(tmp_path, with_shift(PAIRS, 100, 300, 1)[:900]) == Shifted(0, 0, [])
    assert found_in(tmp_path, []) == Shifted(0, 0, [])


def test_repeated_and_untranslated_lines_are_no_run(tmp_path: Path) -> None:
    same = [pair._replace(target=pair.source) for pair in PAIRS[:200]]
    pairs = [*PAIRS[:500], *[PAIRS[500]] * 200, *same, *PAIRS[700:]]
    assert found_in(tmp_path, pairs).runs == 0


def test_unrelated_lines_are_no_shifted_run(tmp_path: Path) -> None:
    other = [pair.target for pair in made_pairs(2_300)[2_000:]]
    pairs = [
        *PAIRS[:800],
        *map(lambda pair, target: pair._replace(target=target), PAIRS[800:1_100], other),
        *PAIRS[1_100:],
    ]
    assert found_in(tmp_path, pairs).runs == 0


def test_runs_over_batches_and_at_the_ends_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs_module, "BATCH_PAIRS", 250)
    pairs = with_shift(PAIRS, 0, 40, 1)
    pairs = with_shift(pairs, 480, 40, -1)
    pairs = with_shift(pairs, 1_950, 49, 1)
    runs = found_in(tmp_path, pairs).listed
    assert [run.shift for run in runs] == [1, -1, 1]
    for run, first, last in zip(runs, (1, 481, 1_951), (40, 520, 1_999), strict=True):
        assert abs(run.first_line - first) <= 1 and abs(run.last_line - last) <= 1


def test_files_of_ready_made_splits_are_searched_alike(tmp_path: Path) -> None:
    write_pairs(tmp_path / "train.parquet", PAIRS[:1_500])
    write_pairs(tmp_path / "test.parquet", with_shift(PAIRS[1_500:], 200, 50, 1))
    raw = {name: tmp_path / f"{name}.parquet" for name in ("train", "test")}
    done: list[int] = []
    runs = find_shifted_runs(raw, done.append)
    assert [run.split for run in runs] == ["test"]
    assert report_runs(raw, runs).listed[0].split == "test"
    assert sum(done) == 2_000


def test_pairs_of_runs_are_parted_from_the_others(tmp_path: Path) -> None:
    path = tmp_path / "all.parquet"
    write_pairs(path, PAIRS[:100])
    [(kept, shifted)] = parted(read_batches(path), [Rows(10, 19), Rows(98, 99)])
    assert shifted["origin"].to_pylist() == [
        pair.origin for pair in [*PAIRS[10:20], *PAIRS[98:100]]
    ]
    assert kept.num_rows == 88


def test_messages_name_the_place_and_the_remedy(tmp_path: Path) -> None:
    found = found_in(tmp_path, with_shift(PAIRS, 700, 30, 1))
    [line] = shifted_warnings(found)
    [run] = found.listed
    assert f"{run.pairs} pairs from {run.first} to {run.last}" in line
    assert "one line after" in line and "set prepare.shifted to drop" in line
    with pytest.raises(InputError, match=r"shifted lines, 1 times: .*made\.en:"):
        refuse_shifted(found)
    refuse_shifted(Shifted(0, 0, []))


def test_many_runs_give_few_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shifted_lines, "LISTED", 4)
    pairs = PAIRS
    for first in range(100, 1_900, 300):
        pairs = with_shift(pairs, first, 20, 1)
    found = found_in(tmp_path, pairs)
    assert (found.runs, len(found.listed)) == (6, 4)
    lines = shifted_warnings(found)
    assert len(lines) == 4 and lines[-1].startswith("6 runs of shifted lines")
