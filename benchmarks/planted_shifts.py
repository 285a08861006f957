"""Plants shifted lines in a line-aligned corpus, and counts those that prepare finds.

    python -m benchmarks.planted_shifts SOURCE TARGET [--seed N] [--rounds N]

reads two text files (plain or packed), or data/raw/all.parquet with `--raw FILE`. Runs of 5, 10,
20, 50 and 200 pairs at random places lose a line on one side before them and get one after them, so
that each target of a run belongs to the source one line before or after. A run counts as found if a
reported one with its shift covers at least half of its pairs; a report that meets no planted run is
a false alarm. The text without planted runs comes first.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tracelate.corpus.pairs import Pair, table_of, write_pair_table
from tracelate.corpus.shifts.runs import Rows
from tracelate.corpus.shifts.shifted_lines import ShiftedRun, find_shifted_runs
from tracelate.corpus.sources.line_files import read_lines

LENGTHS = (5, 10, 20, 50, 200)
LEAST_DISTANCE = 100
"""Pairs between two planted runs."""
Pairs = tuple[list[str], list[str]]


class Planted(NamedTuple):
    """A run as it was planted."""

    shift: int
    rows: Rows


def read_pairs(arguments: argparse.Namespace) -> Pairs:
    if arguments.raw is not None:
        table: pa.Table = pq.read_table(arguments.raw)
        return table["source"].to_pylist(), table["target"].to_pylist()
    return read_lines(arguments.files[0]), read_lines(arguments.files[1])


def plant(pairs: Pairs, seed: int) -> tuple[Pairs, list[Planted]]:
    """Returns the pairs with as many runs of each length, of both directions, as fit."""
    draw = random.Random(seed)
    sources, targets = map(list, pairs)
    sets = max(1, len(sources) // (2 * (sum(LENGTHS) + LEAST_DISTANCE * len(LENGTHS))))
    lengths = list(LENGTHS) * min(sets, 20)
    draw.shuffle(lengths)
    free = len(sources) - sum(lengths) - (LEAST_DISTANCE + 2) * len(lengths)
    places = sorted(draw.randrange(free) for _ in lengths)
    planted: list[Planted] = []
    used = 0
    for place, length in zip(places, lengths, strict=True):
        first = place + used
        used += length + LEAST_DISTANCE + 2
        shift = draw.choice((-1, 1))
        # without its first line, a side comes early by one, up to the line that is put in
        early = targets if shift > 0 else sources
        early.insert(first + length, early.pop(first))
        planted.append(Planted(shift, Rows(first, first + length - 1)))
    return (sources, targets), planted


def find(pairs: Pairs) -> tuple[list[ShiftedRun], float]:
    """Returns the runs, and the pairs per second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "all.parquet"
        rows = enumerate(zip(*pairs, strict=True), start=1)
        write_pair_table(
            path, table_of(Pair(one, two, "", f"lines:{at}") for at, (one, two) in rows)
        )
        began_s = time.perf_counter()
        found = find_shifted_runs({"all": path})
        return found, len(pairs[0]) / (time.perf_counter() - began_s)


def overlap(one: Rows, other: Rows) -> int:
    return max(0, min(one.last, other.last) - max(one.first, other.first) + 1)


def is_found(planted: Planted, reports: Sequence[ShiftedRun]) -> bool:
    covered = sum(overlap(planted.rows, one.rows) for one in reports if one.shift == planted.shift)
    return 2 * covered >= planted.rows.pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--raw", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if (arguments.raw is None) == (len(arguments.files) != 2):
        parser.error("name a source and a target file, or --raw and a file")
    pairs = read_pairs(arguments)
    false_alarms, speed = find(pairs)
    sys.stdout.write(
        f"{len(pairs[0]):,} pairs as they are: {len(false_alarms)} runs reported; "
        f"{speed:,.0f} pairs/s\n"
    )
    for one in false_alarms:
        sys.stdout.write(f"  reported: {one}\n")
    counts = {length: [0, 0, 0] for length in LENGTHS}
    extra = 0
    for seed in range(arguments.seed, arguments.seed + arguments.rounds):
        changed, planted = plant(pairs, seed)
        reports, _ = find(changed)
        for run in planted:
            found = int(is_found(run, reports))
            best = max((overlap(run.rows, one.rows) for one in reports), default=0)
            counts[run.rows.pairs][0] += found
            counts[run.rows.pairs][1] += 1
            counts[run.rows.pairs][2] += best * found
        extra += sum(not any(overlap(one.rows, run.rows) for run in planted) for one in reports)
    sys.stdout.write("run length   planted   found   missed   pairs covered in those found\n")
    for length, (found, number, covered) in counts.items():
        share = f"{100 * covered / (found * length):.1f} %" if found else "-"
        sys.stdout.write(f"{length:10} {number:9} {found:7} {number - found:8}   {share}\n")
    sys.stdout.write(f"reports that meet no planted run: {extra}\n")


if __name__ == "__main__":
    main()
