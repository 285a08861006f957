from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest

from tracelate.corpus.sources import archive
from tracelate.corpus.sources.archive import open_archive
from tracelate.corpus.sources.zip_directory import END, END_64, LOCATOR, directory_bytes
from tracelate.errors import InputError


def zipped(members: int, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for number in range(members):
            made.writestr(zipfile.ZipInfo(f"{number:04}"), b"")
        made.comment = comment
    return buffer.getvalue()


def as_zip64(content: bytes, stated: int) -> bytes:
    """Adds the records of a large archive, whose list of members has the stated size."""
    place = content.rfind(END)
    record = struct.pack("<4sQHHIIQQQQ", END_64, 44, 45, 45, 0, 0, 0, 0, stated, 0)
    locator = struct.pack("<4sIQI", LOCATOR, 0, place, 1)
    end = bytearray(content[place:])
    struct.pack_into("<I", end, 12, 0xFFFFFFFF)
    return content[:place] + record + locator + end


@pytest.mark.parametrize("members", [0, 1, 50])
@pytest.mark.parametrize("comment", [b"", b"a comment", END + b" in a comment that is long"])
def test_the_size_is_that_of_the_list(tmp_path: Path, members: int, comment: bytes) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(members, comment))
    if not comment.startswith(END):  # the library also takes the last record for that of the end
        assert directory_bytes(path) == members * (46 + 4)
    directory_bytes(path)


def test_the_size_of_a_large_archive_is_in_its_own_record(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(as_zip64(zipped(2), 2**40))
    assert directory_bytes(path) == 2**40
    with pytest.raises(InputError, match=r"its list of members has 1,099,511,627,776 bytes"):
        open_archive(path, "the file").__enter__()


def test_an_archive_with_a_longer_list_than_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(3))
    with open_archive(path, "the file") as opened:
        assert len(opened.names) == 3
    monkeypatch.setattr(archive, "MAX_DIRECTORY_BYTES", 149)
    with pytest.raises(InputError, match=r"no safe wheel \(its list of members has 150 bytes"):
        open_archive(path, "the file").__enter__()


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"x" * 100, END * 20, LOCATOR * 9 + END])
def test_what_is_no_archive_has_no_list(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    directory_bytes(path)
