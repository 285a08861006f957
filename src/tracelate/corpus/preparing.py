"""Prepares a corpus batch by batch: cleans it, splits it, and keeps near duplicates out of train.

In RAM are a batch of pairs, some numbers a pair, and the held-out sentences with their n-grams.
Cleaned pairs wait in files of a temporary folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tracelate.config import PrepareConfig
from tracelate.corpus.cleaned_part import Part, clean_part
from tracelate.corpus.cleaning import Cleaner, CleaningCounts, context_of
from tracelate.corpus.leakage import (
    NEAR_HELD_OUT,
    Leakage,
    LeakageMeter,
    LeftOut,
    refuse_leakage,
    too_much_leakage,
)
from tracelate.corpus.mixture import Mixture
from tracelate.corpus.observer import Observer
from tracelate.corpus.pairs import SCHEMA, count_pairs, pair_writer, read_batches
from tracelate.corpus.raw import ALL, SPLITS
from tracelate.corpus.row_splitting import row_splitter
from tracelate.corpus.shifts.shifted_lines import (
    Shifted,
    find_shifted_runs,
    parted,
    refuse_shifted,
    report_runs,
    shifted_warnings,
)
from tracelate.corpus.splitting import (
    HELD_OUT,
    TEST,
    TRAIN,
    VALID,
    Codes,
    Places,
    assign,
    places_of,
    refuse_empty,
    shares_of,
)
from tracelate.corpus.time_splitting import Border
from tracelate.errors import InputError

SAMPLE_PAIRS = 20_000
"""Number of pairs, at even distances in the corpus, that its typical ratio of lengths is from."""
DROPPED = 255
"""Number of no split, for pairs that are in none."""
OnProgress = Callable[[str, int, int], object]
"""Called with a step, the number of pairs done since the last call, and the number of all."""


class SplitSize(NamedTuple):
    """Size of a split."""

    pairs: int
    groups: int


class Prepared(NamedTuple):
    """Counts of a corpus that was prepared."""

    read: int
    """Number of pairs of the raw corpus."""
    counts: CleaningCounts
    typical_ratio: float
    """Width of a target divided by that of its source, as the rule unbalanced takes it."""
    kept: int
    """Number of those that are in a split; the weights of sources do not count."""
    sizes: Mapping[str, SplitSize]
    """As they were written."""
    sources: dict[str, Any]
    """The report of each of several sources; empty of one."""
    leakage: Mapping[str, Leakage]
    """Of valid and test, into the training text as it was written."""
    left_out: Mapping[str, LeftOut]
    """Of valid and test."""
    borders: Sequence[Border]
    """Times at which a split by time begins; empty of another."""
    shifted: Shifted
    """Runs of shifted lines in the raw corpus, whatever was done with them."""
    warnings: list[str]


def prepare_corpus(
    raw: Mapping[str, Path],
    outputs: Mapping[str, Path],
    config: PrepareConfig,
    languages: tuple[str, str],
    mixture: Mixture,
    folder: Path,
    on_progress: OnProgress = lambda step, done, total: None,
    observer: Observer | None = None,
) -> Prepared:
    """Writes the splits to `outputs`; `raw` has the raw corpus's files, by split.

    `folder` is for temporary files, and `observer` is called with each pair. Raises InputError if
    there is nothing to split, if a split is empty, for leakage if prepare.near_leakage is fail, and
    for shifted lines if prepare.shifted is; no file is written then.
    """
    rest = ALL if ALL in raw else "train"
    if rest not in raw:
        raise InputError("the corpus has no training text: it needs train.parquet or all.parquet")
    shares = shares_of((name for name in SPLITS if name not in raw), config)
    read = sum(map(count_pairs, raw.values()))
    runs = find_shifted_runs(raw, lambda done: on_progress("shifted lines", done, read))
    shifted = report_runs(raw, runs)
    if config.shifted == "fail":
        refuse_shifted(shifted)
    context = context_of(config, _sample(raw.values(), read), languages)
    counts = CleaningCounts()
    observer = observer or Observer()
    splitter = row_splitter(config, shares)
    parts: dict[str, Part] = {}
    for name, path in raw.items():
        cleaner = Cleaner(context, counts, observer)
        spool = folder / f"{name}.arrow"
        left_out_rows = [run.rows for run in runs if run.split == name and config.shifted == "drop"]
        parts[name] = clean_part(
            parted(read_batches(path, with_time=True), left_out_rows),
            spool,
            cleaner,
            config.seed,
            lambda done: on_progress("cleaning", done, read),
            splitter if name == rest else None,
        )
    codes, warnings = _assign(parts, rest, shares, config)
    if splitter is not None:
        warnings += splitter.warnings
    if config.shifted == "warn":
        warnings += shifted_warnings(shifted)
    counts.dropped[HELD_OUT] += _drop_held_out(parts, codes, observer)
    _refuse_empty(parts, codes, read, counts)
    with ExitStack() as files:
        add_to = {name: files.enter_context(pair_writer(path)) for name, path in outputs.items()}
        held_out = [_write_split(name, parts, codes, add_to[name]) for name in ("valid", "test")]
        for name, table in zip(("valid", "test"), held_out, strict=True):
            mixture.count(name, table)
            for batch in table.to_batches():
                observer.kept(name, batch)
        meter = LeakageMeter(
            pa.concat_tables(held_out),
            config.near_duplicate,
            drop_near=config.near_leakage == "drop",
        )
        of_train = [name for name in ("train", ALL) if name in parts]
        train = sum(int((codes[name] == TRAIN).sum()) for name in of_train)
        for name in of_train:
            counts.dropped[NEAR_HELD_OUT] += _write_train(
                parts[name],
                codes[name],
                meter,
                mixture,
                add_to["train"],
                lambda done: on_progress("leakage", done, train),
                observer,
            )
        _refuse_empty(parts, codes, read, counts)
        mixture.refuse_without_training()
        valid = held_out[0].num_rows
        rows = {"valid": slice(0, valid), "test": slice(valid, valid + held_out[1].num_rows)}
        leakage = {name: meter.leakage(one) for name, one in rows.items()}
        if config.near_leakage == "fail":
            refuse_leakage(leakage["test"], config.max_near_leakage_percent)
        elif config.near_leakage == "warn":
            lines = (
                too_much_leakage(name, one, config.max_near_leakage_percent)
                for name, one in leakage.items()
            )
            warnings += filter(None, lines)
    left_out = {name: meter.left_out(one) for name, one in rows.items()}
    sizes = {name: _size(parts, codes, name) for name in SPLITS}
    kept = sum(size.pairs for size in sizes.values())
    if mixture.shares:
        sizes["train"] = sizes["train"]._replace(pairs=mixture.training_pairs)
    return Prepared(
        read=read,
        counts=counts,
        typical_ratio=context.typical_ratio,
        kept=kept,
        sizes=sizes,
        sources=mixture.report(),
        leakage=leakage,
        left_out=left_out,
        borders=[] if splitter is None else splitter.borders,
        shifted=shifted,
        warnings=warnings,
    )


def _sample(paths: Iterable[Path], pairs: int) -> Iterator[pa.RecordBatch]:
    """Yields about SAMPLE_PAIRS of the pairs, at even distances."""
    step = max(1, -(-pairs // SAMPLE_PAIRS))
    place = 0
    for path in paths:
        for batch in read_batches(path):
            rows = np.arange(-place % step, batch.num_rows, step)
            place += batch.num_rows
            yield batch.take(pa.array(rows))


def _assign(
    parts: Mapping[str, Part], rest: str, shares: Mapping[str, float], config: PrepareConfig
) -> tuple[dict[str, Codes], list[str]]:
    """Returns the split of each pair of each part, and warnings."""
    part = parts[rest]
    ready = {
        name: np.full(len(one.sources), SPLITS.index(name), np.uint8)
        for name, one in parts.items()
        if name in SPLITS
    }
    if part.split is not None:
        return {**ready, rest: part.split}, []

    def places_of_sources() -> Places:
        batches = part.batches(np.ones(len(part.sources), bool))
        places = [places_of(batch["source"], config.seed) for batch in batches]
        return np.concatenate([np.zeros(0, np.uint64), *places])

    assigned = assign(part.groups, shares, config.split_by, places_of_sources)
    return {**ready, rest: assigned.codes}, assigned.warnings


def _drop_held_out(
    parts: Mapping[str, Part], codes: Mapping[str, Codes], observer: Observer
) -> int:
    """Drops by the rule HELD_OUT. Returns the number of pairs."""
    dropped = 0
    held_out = np.zeros(0, np.uint64)
    for code, below in ((TEST, (VALID, TRAIN)), (VALID, (TRAIN,))):
        held_out = np.unique(
            np.concatenate(
                [held_out, *(parts[name].sources[codes[name] == code] for name in parts)]
            )
        )
        for name, part in parts.items():
            leaked = np.isin(codes[name], below) & np.isin(part.sources, held_out)
            dropped += int(leaked.sum())
            if observer.wants_pairs:
                for batch in part.batches(leaked):
                    observer.dropped(HELD_OUT, batch)
            codes[name][leaked] = DROPPED
    return dropped


def _write_split(
    split: str,
    parts: Mapping[str, Part],
    codes: Mapping[str, Codes],
    add: Callable[[pa.RecordBatch], None],
) -> pa.Table:
    """Writes a split, and returns it."""
    batches = [
        batch
        for name, part in parts.items()
        for batch in part.batches(codes[name] == SPLITS.index(split))
    ]
    for batch in batches:
        add(batch)
    return pa.Table.from_batches(batches, SCHEMA)


def _write_train(
    part: Part,
    codes: Codes,
    meter: LeakageMeter,
    mixture: Mixture,
    add: Callable[[pa.RecordBatch], None],
    advance: Callable[[int], object],
    observer: Observer,
) -> int:
    """Writes the training pairs. Returns the number of those that were left out as near."""
    train = np.flatnonzero(codes == TRAIN)
    start = 0
    for batch in part.batches(codes == TRAIN):
        copies = mixture.copies(batch)
        taken = np.flatnonzero(copies)
        is_near = np.zeros(batch.num_rows, bool)
        is_near[taken] = meter.add(batch.take(pa.array(taken)))
        codes[train[start : start + batch.num_rows][is_near]] = DROPPED
        start += batch.num_rows
        kept = np.flatnonzero(~is_near)
        kept_batch = batch.take(pa.array(kept))
        observer.kept("train", kept_batch)
        if is_near.any():
            observer.dropped(NEAR_HELD_OUT, batch.filter(pa.array(is_near)))
        mixture.count("train", pa.Table.from_batches([kept_batch]))
        written = batch.take(pa.array(np.repeat(kept, copies[kept])))
        mixture.count_training(written)
        add(written)
        advance(batch.num_rows)
    return len(train) - int((codes == TRAIN).sum())


def _size(parts: Mapping[str, Part], codes: Mapping[str, Codes], split: str) -> SplitSize:
    code = SPLITS.index(split)
    groups = np.concatenate([part.groups[codes[name] == code] for name, part in parts.items()])
    return SplitSize(len(groups), len(np.unique(groups)))


def _refuse_empty(
    parts: Mapping[str, Part], codes: Mapping[str, Codes], read: int, counts: CleaningCounts
) -> None:
    sizes = {name: _size(parts, codes, name) for name in SPLITS}
    groups = len(np.unique(np.concatenate([part.groups for part in parts.values()])))
    refuse_empty({name: size.pairs for name, size in sizes.items()}, groups, read, counts.dropped)
