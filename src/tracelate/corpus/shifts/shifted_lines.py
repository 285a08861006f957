"""Lines that are paired with the translation of a neighbour, as after a line that one file lost.

Such pairs come in runs, from the line that one of two files lost or has twice up to the next such
line. Each target is compared with three sources, that of its own line and those beside it, and a
run is found where the evidence for a neighbour adds up (`runs`). The likelihoods are learned from
the corpus itself (`pair_model`), so that no dictionary and no model is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracelate.corpus.pairs import SCHEMA, count_pairs, read_batches
from tracelate.corpus.shifts.pair_model import PairModel, learn_model, texts_of
from tracelate.corpus.shifts.runs import Rows, RunFinder
from tracelate.errors import InputError

BLOCK_PAIRS = 100
"""Neighbours in the corpus that are sampled together."""
BLOCKS = 150
"""Blocks of the sample that the model is learned from."""
FEWEST_BLOCKS = 10
"""Blocks below which nothing is looked for, because too little can be learned."""
THRESHOLD = 4.0
"""Log-odds of a run, to which the logarithm of the number of pairs is added."""
MOST_EVIDENCE = 8.0
"""Largest log-odds that one pair may add."""
EXAMPLES = 2
"""Pairs of a run in a report."""
LISTED = 100
"""Runs in a report."""
WARNINGS = 3
"""Runs that the stage prints."""
SHOWN = 60
"""Characters of a text in a line."""


class Example(NamedTuple):
    """A pair of a run."""

    source: str
    target: str
    translated: str
    """The neighbouring source that the target seems to translate."""


class ShiftedRun(NamedTuple):
    """Consecutive pairs whose targets belong to the source one line before or after."""

    split: str
    """Name of the file of data/raw."""
    shift: int
    """1: each target translates the source of the next line; -1: that of the line before."""
    rows: Rows
    """In that file."""


class ShiftedLines(NamedTuple):
    """A run, as it is reported."""

    split: str
    first: str
    """Origin of its first pair: the file and the place in it."""
    last: str
    first_line: int
    """Number of the first pair in data/raw, from 1."""
    last_line: int
    shift: int
    pairs: int
    examples: list[Example]


class Shifted(NamedTuple):
    """All runs of a corpus."""

    runs: int
    """Number of runs."""
    pairs: int
    """Number of pairs in them."""
    listed: list[ShiftedLines]
    """The first LISTED of them."""


def find_shifted_runs(
    raw: Mapping[str, Path], advance: Callable[[int], object] = lambda count: None
) -> list[ShiftedRun]:
    """Returns the runs of each file, in order; `raw` has the raw corpus's files, by split.

    Time is linear in the pairs, and memory that of a batch and the sample. `advance` is called with
    the number of pairs done since its last call.
    """
    pairs = sum(map(count_pairs, raw.values()))
    blocks = list(_sample(raw.values(), pairs))
    if len(blocks) < FEWEST_BLOCKS:
        return []
    model = learn_model(blocks)
    threshold = THRESHOLD + float(np.log(pairs))
    return [
        ShiftedRun(split, shift, rows)
        for split, path in raw.items()
        for shift, rows in _runs_in(read_batches(path), model, threshold, advance)
    ]


def report_runs(raw: Mapping[str, Path], runs: Sequence[ShiftedRun]) -> Shifted:
    """Returns the runs with their places and examples, for which their files are read again."""
    by_split = {split: [run for run in runs[:LISTED] if run.split == split] for split in raw}
    listed = [
        _described(run, texts)
        for split, wanted in by_split.items()
        if wanted
        for run, texts in zip(wanted, _texts_at(raw[split], wanted), strict=True)
    ]
    return Shifted(len(runs), sum(run.rows.pairs for run in runs), listed)


def parted(
    batches: Iterable[pa.RecordBatch], runs: Iterable[Rows]
) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
    """Yields for each batch of a file the pairs outside of the runs, and those in them."""
    start = 0
    for batch in batches:
        kept = np.ones(batch.num_rows, bool)
        for rows in runs:
            kept[max(0, rows.first - start) : max(0, rows.last + 1 - start)] = False
        start += batch.num_rows
        yield batch.filter(pa.array(kept)), batch.filter(pa.array(~kept))


def refuse_shifted(found: Shifted) -> None:
    """Raises InputError, which describes the longest run, if there is one."""
    if found.runs:
        longest = max(found.listed, key=lambda run: run.pairs)
        raise InputError(f"shifted lines, {found.runs:,} times: {describe(longest)}")


def shifted_warnings(found: Shifted) -> list[str]:
    """Returns a line for each of the first runs, and one that counts all."""
    lines = [describe(one) for one in found.listed[:WARNINGS]]
    if found.runs > WARNINGS:
        lines.append(
            f"{found.runs:,} runs of shifted lines, with {found.pairs:,} pairs, of which the first "
            "are named above: reports/data.json lists more"
        )
    return lines


def describe(found: ShiftedLines) -> str:
    """Returns one line about a run: its place, an example and the remedy."""
    side = "after" if found.shift > 0 else "before"
    example = found.examples[0]
    return (
        f"{found.pairs:,} pairs from {found.first} to {found.last} are shifted: each target belongs"
        f" to the source one line {side}, such as {_shown(example.target)} to "
        f"{_shown(example.translated)}; correct the file in which a line is missing or double, or "
        "set prepare.shifted to drop"
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 1] + "…")


def _sample(paths: Iterable[Path], pairs: int) -> Iterator[pa.RecordBatch]:
    """Yields blocks of neighbours at about even distances."""
    blocks = min(BLOCKS, pairs // BLOCK_PAIRS)
    place = 0
    for path in paths:
        for batch in read_batches(path):
            before, place = place, place + batch.num_rows
            count = place * blocks // pairs - before * blocks // pairs
            count = min(count, batch.num_rows // BLOCK_PAIRS)
            for start in np.linspace(0, batch.num_rows - BLOCK_PAIRS, count).astype(int):
                yield batch.slice(int(start), BLOCK_PAIRS)


def _runs_in(
    batches: Iterable[pa.RecordBatch],
    model: PairModel,
    threshold: float,
    advance: Callable[[int], object],
) -> list[tuple[int, Rows]]:
    """Returns the shift and the rows of each run of a file, by their first rows."""
    finders = {shift: RunFinder(threshold) for shift in (-1, 1)}
    for batch in _overlapping(batches):
        odds = model.log_odds(texts_of(batch["source"]), texts_of(batch["target"]))
        for shift, finder in finders.items():
            others = np.maximum(np.maximum(odds[0], odds[-shift]), 0)
            finder.add(np.clip(odds[shift] - others, -MOST_EVIDENCE, MOST_EVIDENCE))
        advance(batch.num_rows - 2)
    found = [(shift, rows) for shift, finder in finders.items() for rows in finder.close()]
    return sorted(found, key=lambda run: run[1])


def _overlapping(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yields batches that begin with the last two pairs of the one before, so that each pair is
    between two others in one of them; an empty pair is before the first and after the last.
    """
    empty = pa.RecordBatch.from_pydict({name: [""] for name in SCHEMA.names}, SCHEMA)
    waiting = empty
    for batch in chain(batches, [empty]):
        joined = pa.Table.from_batches([waiting, batch]).combine_chunks()
        if joined.num_rows > 2:
            [whole] = joined.to_batches()
            yield whole
            waiting = whole.slice(whole.num_rows - 2)
        else:
            waiting = joined.to_batches()[0]


def _texts_at(path: Path, runs: Sequence[ShiftedRun]) -> list[dict[int, dict[str, str]]]:
    """Returns the pairs that describe each run, by their rows."""
    wanted: NDArray[np.int64] = np.unique([row for run in runs for row in _described_rows(run)])
    pairs: dict[int, dict[str, str]] = {}
    start = 0
    for batch in read_batches(path):
        inside = wanted[(wanted >= start) & (wanted < start + batch.num_rows)]
        texts = batch.take(pa.array(inside - start)).to_pylist()
        pairs.update(zip(inside.tolist(), texts, strict=True))
        start += batch.num_rows
    return [{row: pairs[row] for row in _described_rows(run) if row in pairs} for run in runs]


def _described_rows(run: ShiftedRun) -> list[int]:
    examples = _example_rows(run)
    rows = [run.rows.first, run.rows.last, *examples, *(row + run.shift for row in examples)]
    return [row for row in rows if row >= 0]


def _example_rows(run: ShiftedRun) -> list[int]:
    """Returns rows in the middle of a run, whose borders are less certain."""
    middle = run.rows.first + (run.rows.pairs - 1) // 2
    return list(range(middle, min(middle + EXAMPLES, run.rows.last + 1)))


def _described(run: ShiftedRun, pairs: Mapping[int, Mapping[str, str]]) -> ShiftedLines:
    examples = [
        Example(
            pairs[row]["source"],
            pairs[row]["target"],
            pairs.get(row + run.shift, {"source": ""})["source"],
        )
        for row in _example_rows(run)
    ]
    return ShiftedLines(
        split=run.split,
        first=pairs[run.rows.first]["origin"],
        last=pairs[run.rows.last]["origin"],
        first_line=run.rows.first + 1,
        last_line=run.rows.last + 1,
        shift=run.shift,
        pairs=run.rows.pairs,
        examples=examples,
    )
