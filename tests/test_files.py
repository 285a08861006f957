from __future__ import annotations

import math
from pathlib import Path

import pytest

from tracelate.files import read_json, remove_files, sha256_of, whole_file, write_json


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    with whole_file(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
    assert path.read_text() == "half"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(RuntimeError), whole_file(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_files_can_be_read_by_others(tmp_path: Path) -> None:
    with whole_file(tmp_path / "file") as temporary:
        temporary.write_text("x")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


def test_json_is_read_back_and_stays_readable(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"b": ["ñ", 0.1], "a": None})
    assert read_json(path) == {"b": ["ñ", 0.1], "a": None}
    assert "ñ" in path.read_text(encoding="utf-8")


def test_a_value_without_json_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "file.json", math.nan)
    assert list(tmp_path.iterdir()) == []


def test_the_hash_is_sha256(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")  # FIPS 180-4's own example
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(path) == expected


def test_removing_a_missing_file_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    remove_files([tmp_path / "a", tmp_path / "b"])
    assert list(tmp_path.iterdir()) == []
