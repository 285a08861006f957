from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.corpus.pairs import Pair, read_pairs, write_pairs, write_table
from tracelate.errors import InputError

TEXT = st.text(st.characters(codec="utf-8"))


@given(st.lists(st.builds(Pair, TEXT, TEXT, TEXT, TEXT)))
def test_pairs_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[Pair]
) -> None:
    path = tmp_path_factory.mktemp("pairs") / "pairs.parquet"
    write_pairs(path, pairs)
    assert read_pairs(path) == pairs


def test_the_same_pairs_give_the_same_bytes(tmp_path: Path) -> None:
    pairs = [Pair(f"a{n}", f"b{n}", "g", f"o{n}") for n in range(1000)]
    write_pairs(tmp_path / "a", pairs)
    write_pairs(tmp_path / "b", iter(pairs))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_half_a_character_is_refused_with_its_origin(tmp_path: Path) -> None:
    pairs = [Pair("a", "b", "g", "fine:1"), Pair("\ud83d", "b", "g", "broken.json:key")]
    with pytest.raises(InputError, match=r"broken\.json:key has a character that is incomplete"):
        write_pairs(tmp_path / "pairs.parquet", pairs)
    assert list(tmp_path.iterdir()) == []


def test_files_that_hold_no_pairs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    with pytest.raises(InputError, match="is missing"):
        read_pairs(path)
    write_table(path, pa.table({"source_ids": [1]}))
    with pytest.raises(InputError, match="has the columns source_ids"):
        read_pairs(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="is no whole parquet file"):
        read_pairs(path)
