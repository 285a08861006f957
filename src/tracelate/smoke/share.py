"""Small shares of a corpus that show the problems of the whole: they have its longest sentences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from tracelate import layout
from tracelate.config import FurtherTestConfig, TrainConfig
from tracelate.corpus.further.report import PROVENANCE_FORMAT, set_path
from tracelate.corpus.further.sentences import FurtherSet, read_further_set, write_further_set
from tracelate.corpus.pairs import (
    SCHEMA,
    TIME,
    read_pairs,
    read_table,
    write_pair_table,
    write_pairs,
)
from tracelate.corpus.raw import ALL, SPLITS
from tracelate.corpus.tokenized import TokenizedPair
from tracelate.corpus.tokenized_file import read_tokenized, write_tokenized
from tracelate.training.epochs import count_batches

T = TypeVar("T")


def spread(items: Sequence[T], most: int) -> list[T]:
    """Returns up to `most` items at equal distances, the first one first."""
    count = min(len(items), most)
    return [items[place * len(items) // count] for place in range(count)]


def shorten_raw(folder: Path, most: int) -> None:
    """Leaves up to `most` pairs in each split of the raw corpus, of all its groups alike."""
    for name in (ALL, *SPLITS):
        path = folder / layout.RAW / f"{name}.parquet"
        if path.exists() and (table := read_table(path, SCHEMA, [TIME])).num_rows > most:
            write_pair_table(path, table.take(spread(range(table.num_rows), most)))


def shorten_training(folder: Path, config: TrainConfig, batches: int, valid: int) -> None:
    """Leaves training pairs of all lengths for about so many batches, and `valid` others."""
    pairs = read_tokenized(folder / layout.TOKENIZED_TRAIN)
    planned = count_batches(pairs, config)
    kept = spread(sorted(pairs, key=_length, reverse=True), len(pairs) * batches // planned)
    write_tokenized(folder / layout.TOKENIZED_TRAIN, kept)
    held_out = sorted(read_tokenized(folder / layout.TOKENIZED_VALID), key=_length, reverse=True)
    write_tokenized(folder / layout.TOKENIZED_VALID, spread(held_out, valid))


def shorten_tests(folder: Path, tests: Sequence[FurtherTestConfig], most: int) -> None:
    """Leaves up to `most` sentences of all lengths in the test split and in each further set."""
    pairs = read_pairs(folder / layout.TEST)
    pairs.sort(key=lambda pair: len(pair.source), reverse=True)
    write_pairs(folder / layout.TEST, spread(pairs, most))
    if not tests:
        return
    path = folder / layout.TEST_SETS_PROVENANCE
    found = PROVENANCE_FORMAT.read(path)
    for name in found.test_sets:
        of_set = folder / set_path(name)
        whole = read_further_set(of_set)
        places = spread(range(len(whole.pairs)), most)
        short = FurtherSet(
            [whole.pairs[place] for place in places], [whole.references[place] for place in places]
        )
        write_further_set(of_set, short)
        short_form = found.test_sets[name].model_copy(update={"sha256": short.sha256})
        found.test_sets[name] = short_form
    PROVENANCE_FORMAT.write(path, found)


def _length(pair: TokenizedPair) -> int:
    return max(len(pair.source_ids), len(pair.target_ids))
