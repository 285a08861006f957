"""Files of token ids: what comes back, shards, and files that are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.corpus import tokenized_file
from tracelate.corpus.tokenized import TokenizedPair, tokenized_batch, tokenized_schema
from tracelate.corpus.tokenized_file import (
    TokenizedSplit,
    count_tokenized,
    read_tokenized,
    tokenized_writer,
    write_tokenized,
)
from tracelate.errors import InputError

IDS = st.lists(st.integers(0, 2**31 - 1))
PLACEHOLDERS = st.lists(st.text(st.characters(codec="utf-8")), max_size=2).map(tuple)


@given(st.lists(st.builds(TokenizedPair, IDS, IDS, st.one_of(st.just(()), PLACEHOLDERS))))
def test_ids_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[TokenizedPair]
) -> None:
    path = tmp_path_factory.mktemp("ids") / "ids.arrow"
    write_tokenized(path, pairs)
    assert list(read_tokenized(path)) == pairs
    assert count_tokenized(path) == len(pairs)


def numbered_pairs(count: int) -> list[TokenizedPair]:
    return [TokenizedPair([number], [number % 7] * (number % 3)) for number in range(count)]


def write(path: Path, pairs: list[TokenizedPair], batch_pairs: int, vocabulary: int) -> None:
    schema = tokenized_schema(vocabulary, has_slots=False)
    with tokenized_writer(path, schema, len(pairs)) as add:
        for start in range(0, len(pairs), batch_pairs):
            add(tokenized_batch(pairs[start : start + batch_pairs], schema))


@pytest.mark.parametrize("vocabulary", [2**16, 2**16 + 1])
def test_a_small_split_is_one_shard_in_its_order(tmp_path: Path, vocabulary: int) -> None:
    pairs = numbered_pairs(100)
    write(tmp_path / "ids.arrow", pairs, 30, vocabulary)
    split = read_tokenized(tmp_path / "ids.arrow")
    assert (split.shard_count, list(split)) == (1, pairs)
    assert split.shard(0).sources.ids_I.dtype.itemsize == (2 if vocabulary <= 2**16 else 4)


def test_a_large_split_has_shards_that_are_like_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenized_file, "SHARD_PAIRS", 300)
    pairs = numbered_pairs(1000)
    write(tmp_path / "ids.arrow", pairs, 10_000, 2000)
    split = read_tokenized(tmp_path / "ids.arrow")
    assert split.shard_count == 4
    assert sorted(split) == sorted(pairs)
    for shard in split.shards():
        numbers = shard.sources.ids_I
        assert 200 < len(shard) < 300
        assert (np.diff(numbers.astype(int)) > 0).all()  # in the order of the corpus
        assert 400 < numbers.mean() < 600  # from all its parts
    assert [path.name for path in tmp_path.iterdir()] == ["ids.arrow"]


def test_the_bytes_do_not_depend_on_the_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenized_file, "SHARD_PAIRS", 40)
    for batch_pairs in (1, 7, 100):
        write(tmp_path / f"{batch_pairs}.arrow", numbered_pairs(100), batch_pairs, 2000)
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_nothing_is_left_of_a_file_whose_writer_fails(tmp_path: Path) -> None:
    schema = tokenized_schema(2000, has_slots=False)
    with (
        pytest.raises(RuntimeError, match="half"),
        tokenized_writer(tmp_path / "ids.arrow", schema, 10) as add,
    ):
        add(tokenized_batch(numbered_pairs(5), schema))
        raise RuntimeError("half")
    assert list(tmp_path.iterdir()) == []


def test_files_that_hold_no_ids_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ids.arrow"
    with pytest.raises(InputError, match=r"is missing: run the stage"):
        read_tokenized(path)
    write_tokenized(path, numbered_pairs(9))
    whole = path.read_bytes()
    for part in (b"", b"ARROW1", whole[: len(whole) // 2], whole[:-9]):
        path.write_bytes(part)
        with pytest.raises(InputError, match=r"is no whole Arrow file: delete it"):
            read_tokenized(path)
    table = pa.table({"source_ids": [1]})
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(InputError, match=r"has the columns source_ids in place of"):
        read_tokenized(path)


def test_a_damaged_shard_is_refused_when_it_is_read() -> None:
    offsets = pa.array(np.array([0, 5, 2], np.int64))  # the second list would end before it begins
    column = pa.LargeListArray.from_arrays(offsets, pa.array(np.arange(5, dtype=np.int32)))
    schema = tokenized_schema(2**31, has_slots=False)
    columns = [column.cast(schema.field(name).type, safe=False) for name in schema.names]
    split = TokenizedSplit([pa.RecordBatch.from_arrays(columns, schema=schema)])
    with pytest.raises(InputError, match=r"shard 1 of 1 of the token ids is damaged"):
        split.shard(0)
