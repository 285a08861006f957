"""Sentence pairs, and how they lie in tables and in parquet files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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


SCHEMA = pa.schema([(name, pa.string()) for name in Pair._fields])
"""Columns of a table of pairs."""
TIME = pa.field("time", pa.timestamp("us", "UTC"))
"""A further column that pairs of the raw corpus may have: the time of each, null if unknown."""
BATCH_PAIRS = 10_000
"""Number of pairs that are Python objects at a time while a table is made."""
ROW_GROUP_PAIRS = 131_072
"""Number of pairs that are in RAM while a file is written; a file of fewer has one row group."""


def table_of(pairs: Iterable[Pair]) -> pa.Table:
    """Returns a table with the columns of SCHEMA, made of batches of BATCH_PAIRS pairs."""
    waiting = iter(pairs)
    batches = iter(lambda: list(islice(waiting, BATCH_PAIRS)), [])
    return pa.Table.from_batches(map(_batch, batches), SCHEMA)


def pairs_of(table: pa.Table) -> Iterator[Pair]:
    """Yields the rows of a table with the columns of SCHEMA."""
    for batch in table.to_batches(max_chunksize=BATCH_PAIRS):
        columns = [batch[name].to_pylist() for name in Pair._fields]
        yield from map(Pair._make, zip(*columns, strict=True))


def pair_table(
    sources: pa.ChunkedArray,
    targets: pa.ChunkedArray,
    origins: pa.Array,
    times: pa.ChunkedArray | None = None,
) -> pa.Table:
    """Returns a table of pairs, each in the group of its source text, with their times if given."""
    table = pa.table([sources, targets, sources, origins], schema=SCHEMA)
    return table if times is None else table.append_column(TIME, times)


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Returns the pairs of all tables; where some have times, those of the others are unknown."""
    return pa.concat_tables(tables, promote_options="default")


def numbered(prefix: str, count: int) -> pa.Array:
    """Returns the texts `prefix` + 1, `prefix` + 2, up to `count`."""
    numbers = pa.array(np.arange(1, count + 1)).cast(pa.string())
    return pc.binary_join_element_wise(pa.scalar(prefix), numbers, "")


def read_pairs(path: Path) -> list[Pair]:
    return list(pairs_of(read_table(path, SCHEMA)))


def write_pairs(path: Path, pairs: Iterable[Pair]) -> None:
    """Writes the same bytes for the same pairs."""
    write_pair_table(path, table_of(pairs))


def write_pair_table(path: Path, table: pa.Table) -> None:
    """Writes the same bytes for the same pairs, whatever batches the table is made of."""
    write_table(path, table.combine_chunks())


def read_batches(path: Path, *, with_time: bool = False) -> Iterator[pa.RecordBatch]:
    """Yields the pairs of a file in batches of BATCH_PAIRS.

    With `with_time`, they have the column TIME if the file has it. Raises InputError where the file
    is missing or of another kind.
    """
    with _parquet_errors(path), pq.ParquetFile(path) as file:
        found = file.schema_arrow
        whole = SCHEMA.append(TIME) if TIME.name in found.names else SCHEMA
        _refuse_columns(path, found, whole)
        schema = whole if with_time else SCHEMA
        for batch in file.iter_batches(BATCH_PAIRS, columns=schema.names):
            batch.validate(full=True)  # texts that are not UTF-8 among others
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)


def count_pairs(path: Path) -> int:
    """Returns the number of pairs of a file. Raises InputError as `read_batches`."""
    with _parquet_errors(path), pq.ParquetFile(path) as file:
        return int(file.metadata.num_rows)


@contextmanager
def pair_writer(path: Path) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Yields a function that adds pairs to a file, which is there once the block ends.

    The same pairs give the same bytes, whatever batches they come in.
    """
    waiting: list[pa.RecordBatch] = []
    with (
        whole_file(path) as temporary,
        pq.ParquetWriter(temporary, SCHEMA, compression="zstd") as writer,
    ):

        def add(batch: pa.RecordBatch) -> None:
            waiting.append(batch)
            while sum(one.num_rows for one in waiting) >= ROW_GROUP_PAIRS:
                table = pa.Table.from_batches(waiting)
                writer.write_table(table.slice(0, ROW_GROUP_PAIRS).combine_chunks())
                waiting[:] = table.slice(ROW_GROUP_PAIRS).to_batches()

        yield add
        table = pa.Table.from_batches(waiting, SCHEMA)
        if table.num_rows:
            writer.write_table(table.combine_chunks())


def _batch(pairs: list[Pair]) -> pa.RecordBatch:
    try:
        columns = [pa.array(column, pa.string()) for column in zip(*pairs, strict=True)]
    except UnicodeEncodeError as error:
        bad = next(pair for pair in pairs if not _is_text("".join(pair)))
        raise InputError(
            f"{bad.origin} has a character that is incomplete: {error}; correct it"
        ) from error
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def read_table(path: Path, schema: pa.Schema, optional: Sequence[pa.Field] = ()) -> pa.Table:
    """The columns of `schema`, and after them those of `optional` that the file has.

    Raises InputError where the file is missing or of another kind.
    """
    with _parquet_errors(path):
        table = pq.read_table(path)
        table.validate(full=True)  # texts that are not UTF-8 among others
    for field in optional:
        if field.name in table.column_names:
            schema = schema.append(field)
    _refuse_columns(path, table.schema, schema)
    return table


def write_table(path: Path, table: pa.Table) -> None:
    with whole_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


@contextmanager
def _parquet_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: run the stage that writes it (dvc repro)") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path} is no whole parquet file: delete it and run dvc repro") from error


def _refuse_columns(path: Path, found: pa.Schema, wanted: pa.Schema) -> None:
    if found.remove_metadata() != wanted:
        raise InputError(
            f"{path} has the columns {', '.join(found.names)} in place of "
            f"{', '.join(wanted.names)} (or of another type): delete it and run dvc repro"
        )


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
