"""Learning the pieces of a corpus, and writing its pairs as their ids, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from tracelate.config import TokenizeConfig
from tracelate.corpus.fertility import SplitCounts
from tracelate.corpus.pairs import count_pairs, read_batches
from tracelate.corpus.tokenized import (
    TokenizedPair,
    TokenizedPairs,
    tokenized_batch,
    tokenized_schema,
)
from tracelate.corpus.tokenized_file import tokenized_writer
from tracelate.corpus.tokenizer import SLOTS, SubwordTokenizer
from tracelate.text.placeholders import may_have_placeholders
from tracelate.text.slots import same_placeholders, shared_placeholders, split_slots

OnPairs = Callable[[int], object]
"""Called with the number of pairs that were done since the last call."""


@dataclass
class TokenizedCounts:
    """Counts of the pairs that were written as ids."""

    fertility: SplitCounts
    pairs: int = 0
    source_pieces: int = 0
    target_pieces: int = 0
    copied: int = 0
    """Number of pairs with a slot."""
    differing: int = 0
    """Number of pairs with a placeholder that one side has more often, where they are copied."""


def learn_tokenizer(batches: Iterable[pa.RecordBatch], config: TokenizeConfig) -> SubwordTokenizer:
    """Learns the vocabulary of the training pairs, both languages together.

    No piece is learnt from placeholders that have slots.
    """
    slot_count = SLOTS if config.placeholders == "copy" else 0
    texts = (
        part
        for batch in batches
        for *sides, shared in zip(*_sides(batch), shared_slots(batch, slot_count), strict=True)
        for side in sides
        for part in split_slots(side, shared)
        if isinstance(part, str)
    )
    return SubwordTokenizer.train(
        texts,
        config.vocabulary_size,
        config.min_frequency,
        slot_count,
        model=config.model,
        pieces=config.pieces,
        user_symbols=config.user_symbols,
        casing=config.casing,
    )


def tokenize_file(
    tokenizer: SubwordTokenizer,
    pairs: Path,
    ids: Path,
    on_pairs: OnPairs = lambda count: None,
) -> TokenizedCounts:
    """Writes the ids of a file of pairs to a file. Memory is for a shard, however many there are.

    Raises InputError if `pairs` is missing or of another kind.
    """
    counts = TokenizedCounts(SplitCounts(tokenizer))
    schema = tokenized_schema(tokenizer.size, has_slots=bool(tokenizer.slots))
    with tokenized_writer(ids, schema, count_pairs(pairs)) as add:
        for batch in read_batches(pairs):
            tokenized = tokenize_batch(tokenizer, batch)
            _count(counts, batch, tokenized, copying=bool(tokenizer.slots))
            add(ids_of_batch := tokenized_batch(tokenized, schema))
            lists = TokenizedPairs(ids_of_batch)
            counts.fertility.source.add(batch["source"], lists.sources)
            counts.fertility.target.add(batch["target"], lists.targets)
            on_pairs(batch.num_rows)
    return counts


def tokenize_batch(tokenizer: SubwordTokenizer, batch: pa.RecordBatch) -> list[TokenizedPair]:
    """Encodes both sides, with the same slots.

    A placeholder that the target has not as often as the source stays text on both sides: a slot
    would teach the model to drop or double it, and the rest of the pair is worth training on.
    """
    shared = shared_slots(batch, len(tokenizer.slots))
    sources, targets = (tokenizer.encode_with(side, shared) for side in _sides(batch))
    return [
        TokenizedPair(source.ids, target.ids, source.placeholders)
        for source, target in zip(sources, targets, strict=True)
    ]


def shared_slots(batch: pa.RecordBatch, slot_count: int) -> Sequence[tuple[str, ...]]:
    """Returns the placeholders of each pair that have slots, at most `slot_count`."""
    shared: list[tuple[str, ...]] = [()] * batch.num_rows
    if slot_count == 0:
        return shared
    sources, targets = _sides(batch)
    for row in np.flatnonzero(may_have_placeholders(batch["source"])):
        shared[row] = shared_placeholders(sources[row], targets[row])[:slot_count]
    return shared


def read_texts(path: Path, on_pairs: OnPairs) -> Iterator[pa.RecordBatch]:
    """Yields the batches of a file of pairs."""
    for batch in read_batches(path):
        yield batch
        on_pairs(batch.num_rows)


def _count(
    counts: TokenizedCounts,
    batch: pa.RecordBatch,
    tokenized: Sequence[TokenizedPair],
    *,
    copying: bool,
) -> None:
    counts.pairs += batch.num_rows
    counts.source_pieces += sum(len(pair.source_ids) for pair in tokenized)
    counts.target_pieces += sum(len(pair.target_ids) for pair in tokenized)
    counts.copied += sum(bool(pair.placeholders) for pair in tokenized)
    if copying:
        sources, targets = _sides(batch)
        either = may_have_placeholders(batch["source"]) | may_have_placeholders(batch["target"])
        counts.differing += sum(
            not same_placeholders(sources[row], targets[row]) for row in np.flatnonzero(either)
        )


def _sides(batch: pa.RecordBatch) -> tuple[list[str], list[str]]:
    return batch["source"].to_pylist(), batch["target"].to_pylist()
