"""Sentence pairs, and how they lie in parquet files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tracelate.errors import InputError
from tracelate.files import whole_file


class Pair(NamedTuple):
    source: str
    target: str
    group: str
    """Pairs of one group never part: they are all in the same split."""
    origin: str
    """The file that the pair was read from, and the place in it."""


_SCHEMA = pa.schema([(name, pa.string()) for name in Pair._fields])


def read_pairs(path: Path) -> list[Pair]:
    table = read_table(path, _SCHEMA)
    columns = [table[name].to_pylist() for name in Pair._fields]
    return [Pair(*row) for row in zip(*columns, strict=True)]


def write_pairs(path: Path, pairs: Iterable[Pair]) -> None:
    """Writes the same bytes for the same pairs."""
    pairs = list(pairs)
    try:
        columns = [pa.array(column, pa.string()) for column in zip(*pairs, strict=True)]
    except UnicodeEncodeError as error:
        bad = next(pair for pair in pairs if not _is_text("".join(pair)))
        raise InputError(
            f"{bad.origin} has a character that is incomplete: {error}; correct it"
        ) from error
    table = pa.table(columns or [[] for _ in _SCHEMA], schema=_SCHEMA)
    write_table(path, table)


def read_table(path: Path, schema: pa.Schema, optional: Sequence[pa.Field] = ()) -> pa.Table:
    """The columns of `schema`, and after them those of `optional` that the file has.

    Raises InputError where the file is missing or of another kind.
    """
    try:
        table = pq.read_table(path)
        table.validate(full=True)  # texts that are not UTF-8 among others
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: run the stage that writes it (dvc repro)") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path} is no whole parquet file: delete it and run dvc repro") from error
    for field in optional:
        if field.name in table.column_names:
            schema = schema.append(field)
    if table.schema.remove_metadata() != schema:
        raise InputError(
            f"{path} has the columns {', '.join(table.column_names)} in place of "
            f"{', '.join(schema.names)} (or of another type): delete it and run dvc repro"
        )
    return table


def write_table(path: Path, table: pa.Table) -> None:
    with whole_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
