"""Pairs of token ids, and how they lie in parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from tracelate.corpus.pairs import Pair, read_table, write_table
from tracelate.corpus.tokenizer import SubwordTokenizer


class TokenizedPair(NamedTuple):
    """Ids without special tokens."""

    source_ids: list[int]
    target_ids: list[int]


_SCHEMA = pa.schema(
    {
        "source_ids": pa.list_(pa.int32()),
        "target_ids": pa.list_(pa.int32()),
        "source_length": pa.int32(),
        "target_length": pa.int32(),
    }
)


def read_tokenized(path: Path) -> list[TokenizedPair]:
    table = read_table(path, _SCHEMA)
    sources, targets = table["source_ids"].to_pylist(), table["target_ids"].to_pylist()
    return [TokenizedPair(*ids) for ids in zip(sources, targets, strict=True)]


def write_tokenized(path: Path, pairs: Sequence[TokenizedPair]) -> None:
    """Writes the same bytes for the same pairs."""
    columns = [
        [pair.source_ids for pair in pairs],
        [pair.target_ids for pair in pairs],
        [len(pair.source_ids) for pair in pairs],
        [len(pair.target_ids) for pair in pairs],
    ]
    write_table(path, pa.table(columns, schema=_SCHEMA))


def tokenize_pairs(tokenizer: SubwordTokenizer, pairs: Sequence[Pair]) -> list[TokenizedPair]:
    sources = tokenizer.encode([pair.source for pair in pairs])
    targets = tokenizer.encode([pair.target for pair in pairs])
    return [TokenizedPair(*ids) for ids in zip(sources, targets, strict=True)]
