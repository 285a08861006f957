from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tracelate.corpus.aligned_files import hash_sentences
from tracelate.corpus.further.sentences import (
    FurtherSet,
    read_further_set,
    single_references,
    write_further_set,
)
from tracelate.corpus.pairs import Pair, write_pairs, write_table
from tracelate.errors import InputError

PAIRS = [Pair("a dog", "un perro", "news", "news:1"), Pair("a cat", "un gato", "news", "news:2")]
SET = FurtherSet(PAIRS, [("un perro", "un can"), ("un gato", "")])


def test_a_set_is_read_as_it_was_written_and_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_further_set(tmp_path / f"{name}.parquet", SET)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert read_further_set(tmp_path / "one.parquet") == SET


def test_its_hash_is_that_of_its_sentences_and_of_all_references() -> None:
    assert SET.sha256 == hash_sentences(["a dog", "a cat"], SET.references)
    assert SET.sha256 != single_references(PAIRS).sha256


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs.parquet", PAIRS)
    with pytest.raises(InputError, match=r"pairs\.parquet has the columns source, target"):
        read_further_set(tmp_path / "pairs.parquet")
    with pytest.raises(InputError, match="is missing: run the stage"):
        read_further_set(tmp_path / "no.parquet")
    write_further_set(tmp_path / "none.parquet", FurtherSet(PAIRS[:1], [()]))
    with pytest.raises(InputError, match="a sentence without a reference"):
        read_further_set(tmp_path / "none.parquet")
    write_table(tmp_path / "other.parquet", pa.table({"a": ["b"]}))
    with pytest.raises(InputError, match="has the columns a in place of"):
        read_further_set(tmp_path / "other.parquet")


def test_text_that_is_no_unicode_is_refused_by_the_name_of_its_set(tmp_path: Path) -> None:
    broken = single_references([Pair("\ud800", "x", "g", "o")])
    with pytest.raises(InputError, match="the test set 'news' has a character that is incomplete"):
        write_further_set(tmp_path / "news.parquet", broken)
