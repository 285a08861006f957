from __future__ import annotations

import math
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tracelate.comparison.significance import Resampling
from tracelate.corpus.pairs import Pair, write_pairs
from tracelate.errors import InputError, describe_os_error
from tracelate.evaluation.figures.style import new_figure, write_png
from tracelate.evaluation.metrics_file import METRICS_FORMAT
from tracelate.files import (
    finite_or_none,
    read_json,
    remove_files,
    sha256_of,
    temporary_folder,
    whole_file,
    write_json,
)


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


@pytest.fixture(params=[0o022, 0o027, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("kind", ["text", "weights", "parquet", "picture"])
def test_the_mode_of_a_new_file_follows_the_umask(umask: int, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file"
    if kind == "parquet":
        write_pairs(path, [Pair("a", "b", "c", "d")])
    elif kind == "picture":
        write_png(new_figure(1, 1), path)
    else:
        with whole_file(path) as temporary:
            if kind == "text":
                temporary.write_text("x")
            else:
                save_file({"a": torch.zeros(2)}, temporary)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o755])
def test_an_existing_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(mode)
    with whole_file(path) as temporary:
        temporary.write_text("x")
        assert temporary.stat().st_mode & 0o077 & ~mode == 0, "others can read it meanwhile"
    assert path.read_text() == "x"
    assert path.stat().st_mode & 0o777 == mode


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("mine")
    (tmp_path / "link").symlink_to("other")
    write_json(tmp_path / "link", 1)
    assert (tmp_path / "other").read_text() == "mine"
    assert not (tmp_path / "link").is_symlink()


KILLED = """
import os, signal, sys
from pathlib import Path
from tracelate.files import temporary_folder, whole_file
with globals()[sys.argv[1]](Path(sys.argv[2])) as temporary:
    (temporary / "part" if temporary.is_dir() else temporary).write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("writer", ["whole_file", "temporary_folder"])
def test_the_next_writer_removes_what_a_killed_one_left(tmp_path: Path, writer: str) -> None:
    path = tmp_path / "file"
    others = [
        tmp_path / ".file.original",
        tmp_path / ".file.0123456789abcde.unfinished",
        tmp_path / ".other.0123456789abcdef.unfinished",
    ]
    for other in others:
        other.write_text("mine")
    done = subprocess.run([sys.executable, "-c", KILLED, writer, str(path)], timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 4
    write_json(path, 1)
    assert set(tmp_path.iterdir()) == {path, *others}


def test_a_writer_leaves_the_temporary_files_of_others_that_still_write(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with whole_file(path) as first, temporary_folder(path) as second:
        write_json(path, 1)
        assert first.is_file() and second.is_dir()
        first.write_text("2")
    assert path.read_text() == "2"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_json(path, "old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(OSError) as raised:
            write_json(path, "x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (
        describe_os_error(raised.value)
        == f"{path} cannot be used (File too large): free space for it"
    )
    assert read_json(path) == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_is_read_back_and_stays_readable(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"b": ["ñ", 0.1], "a": None})
    assert read_json(path) == {"b": ["ñ", 0.1], "a": None}
    assert "ñ" in path.read_text(encoding="utf-8")


def test_a_value_without_json_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"file\.json was not written \(.*not JSON compliant"):
        write_json(tmp_path / "file.json", math.nan)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_json_with_a_number_that_is_not_finite_is_refused(tmp_path: Path, number: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(f'{{"a": [1.5, {number}]}}')
    for read in (read_json, METRICS_FORMAT.read):
        with pytest.raises(InputError, match=rf"is damaged \({number} is not a finite number"):
            read(path)


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 100_000], ids=["cut", "bytes", "deep"])
def test_damaged_json_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"file\.json is damaged \(.*: restore it"):
        read_json(path)


def test_numbers_that_are_not_finite_become_none() -> None:
    value = {"a": (1, math.nan, [math.inf, "nan"]), "b": Resampling(1, 2, 3), "c": True}
    assert finite_or_none(value) == {"a": [1, None, [None, "nan"]], "b": [1, 2, 3], "c": True}


def test_the_hash_is_sha256(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")  # FIPS 180-4's own example
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(path) == expected


def test_removing_a_missing_file_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    remove_files([tmp_path / "a", tmp_path / "b"])
    assert list(tmp_path.iterdir()) == []
