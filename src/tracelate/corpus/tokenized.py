"""Pairs of token ids, and how they lie in parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from tracelate.config import TokenizeConfig
from tracelate.corpus.pairs import Pair, read_table, write_table
from tracelate.corpus.tokenizer import SLOTS, SubwordTokenizer
from tracelate.text.slots import same_placeholders, shared_placeholders, split_slots


class TokenizedPair(NamedTuple):
    """Ids without special tokens."""

    source_ids: list[int]
    target_ids: list[int]
    placeholders: tuple[str, ...] = ()
    """Text of each slot in the ids, the first slot's first."""


_SCHEMA = pa.schema(
    {
        "source_ids": pa.list_(pa.int32()),
        "target_ids": pa.list_(pa.int32()),
        "source_length": pa.int32(),
        "target_length": pa.int32(),
    }
)
_PLACEHOLDERS = pa.field("placeholders", pa.list_(pa.string()))
"""Column of files with a pair that has slots."""


def read_tokenized(path: Path) -> list[TokenizedPair]:
    table = read_table(path, _SCHEMA, optional=[_PLACEHOLDERS])
    sources, targets = table["source_ids"].to_pylist(), table["target_ids"].to_pylist()
    if _PLACEHOLDERS.name not in table.column_names:
        return [TokenizedPair(*ids) for ids in zip(sources, targets, strict=True)]
    placeholders = map(tuple, table[_PLACEHOLDERS.name].to_pylist())
    return [TokenizedPair(*one) for one in zip(sources, targets, placeholders, strict=True)]


def write_tokenized(path: Path, pairs: Sequence[TokenizedPair]) -> None:
    """Writes the same bytes for the same pairs."""
    columns: list[list[object]] = [
        [pair.source_ids for pair in pairs],
        [pair.target_ids for pair in pairs],
        [len(pair.source_ids) for pair in pairs],
        [len(pair.target_ids) for pair in pairs],
    ]
    schema = _SCHEMA
    if any(pair.placeholders for pair in pairs):
        columns.append([pair.placeholders for pair in pairs])
        schema = _SCHEMA.append(_PLACEHOLDERS)
    write_table(path, pa.table(columns, schema=schema))


def learn_tokenizer(pairs: Sequence[Pair], config: TokenizeConfig) -> SubwordTokenizer:
    """Learns the vocabulary of the training pairs, both languages together.

    No piece is learnt from placeholders that have slots.
    """
    slot_count = SLOTS if config.placeholders == "copy" else 0
    texts = (
        part
        for pair in pairs
        for placeholders in [shared_placeholders(pair.source, pair.target)[:slot_count]]
        for side in (pair.source, pair.target)
        for part in split_slots(side, placeholders)
        if isinstance(part, str)
    )
    return SubwordTokenizer.train(texts, config.vocabulary_size, config.min_frequency, slot_count)


def tokenize_pairs(tokenizer: SubwordTokenizer, pairs: Sequence[Pair]) -> list[TokenizedPair]:
    """Encodes both sides, with the same slots.

    A placeholder that the target has not as often as the source stays text on both sides: a slot
    would teach the model to drop or double it, and the rest of the pair is worth training on.
    """
    shared = [
        shared_placeholders(pair.source, pair.target)[: len(tokenizer.slots)] for pair in pairs
    ]
    sources = tokenizer.encode_with([pair.source for pair in pairs], shared)
    targets = tokenizer.encode_with([pair.target for pair in pairs], shared)
    return [
        TokenizedPair(source.ids, target.ids, source.placeholders)
        for source, target in zip(sources, targets, strict=True)
    ]


def count_differing(pairs: Sequence[Pair]) -> int:
    """Returns the number of pairs with a placeholder that one side has more often."""
    return sum(not same_placeholders(pair.source, pair.target) for pair in pairs)
