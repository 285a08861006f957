from __future__ import annotations

from pathlib import Path

import pytest

from tracelate.config import FilePair, FilesConfig
from tracelate.corpus.pairs import Pair, pairs_of
from tracelate.corpus.sources.line_files import FileSource, read_lines
from tracelate.errors import InputError


def write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def test_only_line_feeds_end_a_line(tmp_path: Path) -> None:
    data = "uno\u2028dos\r\ntres\x0bcuatro\rcinco\n\nseis".encode()
    path = Path(write(tmp_path / "text", data))
    assert read_lines(path) == ["uno\u2028dos", "tres\x0bcuatro\rcinco", "", "seis"]


@pytest.mark.parametrize(("data", "lines"), [(b"", []), (b"\n", [""]), (b"\xef\xbb\xbfa\n", ["a"])])
def test_empty_files_final_line_ends_and_byte_order_marks(
    tmp_path: Path, data: bytes, lines: list[str]
) -> None:
    assert read_lines(Path(write(tmp_path / "text", data))) == lines


def test_files_become_splits_and_a_provenance_without_this_machines_paths(tmp_path: Path) -> None:
    train = FilePair(
        source=write(tmp_path / "a.en", b"one\ntwo\n"), target=write(tmp_path / "a.es", b"uno\ndos")
    )
    test = FilePair(
        source=write(tmp_path / "b.en", b"six\n"), target=write(tmp_path / "b.es", b"seis\n")
    )
    alone = FilesConfig(train=train, valid=None, test=None, licence="CC0-1.0")
    whole = FileSource(alone, "en", "es").read()
    assert {name: list(pairs_of(table)) for name, table in whole.splits.items()} == {
        "all": [Pair("one", "uno", "one", "a.en:1"), Pair("two", "dos", "two", "a.en:2")]
    }
    both = FileSource(alone.model_copy(update={"test": test}), "en", "es").read()
    assert list(both.splits) == ["train", "test"]
    assert str(tmp_path) not in str(both.provenance)
    assert both.provenance.model_dump()["files"]["test"]["target"]["name"] == "b.es"


def test_files_of_unequal_length_are_refused_with_their_counts(tmp_path: Path) -> None:
    files = FilePair(
        source=write(tmp_path / "a.en", b"1\n2\n"), target=write(tmp_path / "a.es", b"1")
    )
    config = FilesConfig(train=files, valid=None, test=None, licence="CC0-1.0")
    with pytest.raises(InputError, match=r"a\.en has 2 lines and .*a\.es 1: "):
        FileSource(config, "en", "es").read()


def test_bytes_that_are_no_utf_8_are_refused_with_their_line(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "a.en", "uno\naño\n".encode("latin-1")))
    with pytest.raises(InputError, match=r"a\.en, line 2, is not UTF-8"):
        read_lines(path)
