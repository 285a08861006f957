"""Files of token ids, which training maps into memory.

A file is Arrow's IPC file format, without compression. Each of its record batches is a shard:
training plans batches from one shard at a time, and reads no other meanwhile. The pairs of a corpus
that needs several shards are spread over them at random, so that each shard is like the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tracelate.corpus.tokenized import (
    PLACEHOLDERS,
    TokenizedPair,
    TokenizedPairs,
    tokenized_batch,
    tokenized_schema,
)
from tracelate.errors import InputError
from tracelate.files import temporary_folder, whole_file

SHARD_PAIRS = 2**20
"""Number of pairs up to which a file has one shard; the shards of others have about as many."""


class TokenizedSplit:
    """The pairs of a split, in shards that are read when they are asked for."""

    def __init__(self, shards: Sequence[pa.RecordBatch]) -> None:
        self._shards = shards

    @classmethod
    def of(cls, *shards: Sequence[TokenizedPair]) -> TokenizedSplit:
        """Returns a split in memory with these pairs."""
        schema = tokenized_schema(2**31, has_slots=True)
        return cls([tokenized_batch(pairs, schema) for pairs in shards])

    def __len__(self) -> int:
        """Number of pairs."""
        return sum(shard.num_rows for shard in self._shards)

    @property
    def shard_count(self) -> int:
        return len(self._shards)

    def shard(self, number: int) -> TokenizedPairs:
        """Raises InputError if the shard is damaged."""
        batch = self._shards[number]
        try:
            batch.validate(full=True)
        except pa.ArrowException as error:
            raise InputError(
                f"shard {number + 1} of {self.shard_count} of the token ids is damaged ({error}): "
                f"delete the file in data/tokenized and run dvc repro"
            ) from error
        return TokenizedPairs(batch)

    def first_pair(self, number: int) -> int:
        """Returns the number of pairs in the shards before this one."""
        return sum(shard.num_rows for shard in self._shards[:number])

    def shards(self) -> Iterator[TokenizedPairs]:
        return map(self.shard, range(self.shard_count))

    def __iter__(self) -> Iterator[TokenizedPair]:
        for shard in self.shards():
            yield from shard


def read_tokenized(path: Path) -> TokenizedSplit:
    """Maps a file into memory. Raises InputError where it is missing or of another kind."""
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        shards = [reader.get_batch(number) for number in range(reader.num_record_batches)]
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: run the stage that writes it (dvc repro)") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path} is no whole Arrow file: delete it and run dvc repro") from error
    kinds = [
        tokenized_schema(size, has_slots=has_slots)
        for size in (1, 2**31)
        for has_slots in (True, False)
    ]
    if reader.schema.remove_metadata() not in kinds:
        raise InputError(
            f"{path} has the columns {', '.join(reader.schema.names)} in place of source_ids, "
            f"target_ids and perhaps {PLACEHOLDERS} (or of another type): delete it and run dvc "
            "repro"
        )
    return TokenizedSplit(shards)


def count_tokenized(path: Path) -> int:
    """Returns the number of pairs of a file, also of a parquet file of an older version."""
    if path.suffix == ".parquet":
        return int(pq.read_metadata(path).num_rows)
    return len(read_tokenized(path))


class Spool(NamedTuple):
    """A shard that is being written: its file, with the pairs in batches as they came."""

    path: Path
    writer: pa.RecordBatchStreamWriter


@contextmanager
def tokenized_writer(
    path: Path, schema: pa.Schema, pairs: int
) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Yields a function that adds pairs to a file, which is there once the block ends.

    `pairs` is the number of all that will be added. The same pairs give the same bytes, whatever
    batches they come in. Memory is for one shard.
    """
    shards = max(1, -(-pairs // SHARD_PAIRS))
    draw = np.random.RandomState(0)  # its numbers do not depend on how many are drawn at a time
    with temporary_folder(path.with_suffix(".shards")) as folder, whole_file(path) as temporary:
        with ExitStack() as files:
            spools = [_spool(folder / f"{number}.arrow", schema, files) for number in range(shards)]

            def add(batch: pa.RecordBatch) -> None:
                shards_N = (draw.random_sample(batch.num_rows) * shards).astype(np.int64)
                for number in np.unique(shards_N):
                    rows = np.flatnonzero(shards_N == number)
                    spools[number].writer.write_batch(batch.take(pa.array(rows)))

            yield add
        with pa.ipc.new_file(str(temporary), schema) as writer:
            for spool in spools:
                with pa.memory_map(str(spool.path)) as file, pa.ipc.open_stream(file) as reader:
                    for batch in _one_batch(reader.read_all()):
                        writer.write_batch(batch)
                spool.path.unlink()


def write_tokenized(path: Path, pairs: Sequence[TokenizedPair]) -> None:
    """Writes pairs to a file with one shard."""
    has_slots = any(pair.placeholders for pair in pairs)
    schema = tokenized_schema(2**31, has_slots=has_slots)
    with whole_file(path) as temporary, pa.ipc.new_file(str(temporary), schema) as writer:
        if pairs:
            writer.write_batch(tokenized_batch(pairs, schema))


def _spool(path: Path, schema: pa.Schema, files: ExitStack) -> Spool:
    file = files.enter_context(pa.OSFile(str(path), "wb"))
    return Spool(path, files.enter_context(pa.ipc.new_stream(file, schema)))


def _one_batch(table: pa.Table) -> list[pa.RecordBatch]:
    """Returns the table as one batch; none if it has no row."""
    return list(table.combine_chunks().to_batches()) if table.num_rows else []
