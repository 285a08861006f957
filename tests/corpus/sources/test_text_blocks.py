from __future__ import annotations

import gzip
import lzma
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.corpus.sources import text_blocks
from tracelate.corpus.sources.line_files import read_lines
from tracelate.corpus.sources.text_blocks import read_line_lists
from tracelate.errors import InputError


def zstd(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "xz": lzma.compress,
    "zst": zstd,
}


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff")), st.integers(1, 9))
def test_blocks_of_any_size_give_the_same_lines(
    tmp_path_factory: pytest.TempPathFactory, text: str, size: int
) -> None:
    path = write(tmp_path_factory.getbasetemp() / "lines", f"a{text}".encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "BLOCK_BYTES", size)
        found = [line for lines in read_line_lists(path, "") for line in lines]
    expected = f"a{text}".removesuffix("\n").split("\n")
    assert found == [line.removesuffix("\r") for line in expected]


@pytest.mark.parametrize("kind", PACKERS)
def test_packed_lines_are_read_whatever_the_name(tmp_path: Path, kind: str) -> None:
    text = "".join(f"línea {n}\n" for n in range(30_000))
    packed = PACKERS[kind](text.encode())
    assert read_lines(write(tmp_path / "text.en", packed)) == text.splitlines()
    # as `cat a.gz b.gz` makes them
    assert len(read_lines(write(tmp_path / "two", packed + packed))) == 60_000


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        *((kind, damage) for kind in PACKERS for damage in ("cut", "followed")),
        *(("gz", "changed"), ("xz", "changed")),  # zstd need not have checksums
    ],
)
def test_a_damaged_packed_file_is_refused(tmp_path: Path, kind: str, damage: str) -> None:
    packed = bytearray(PACKERS[kind](b"".join(b"text %d\n" % n for n in range(3_000))))
    match damage:
        case "cut":
            del packed[-20:]
        case "changed":
            packed[len(packed) // 2] ^= 0xFF
        case "followed":
            packed += b"more text"
    with pytest.raises(InputError, match=r"packed cannot be unpacked|is not UTF-8") as error:
        read_lines(write(tmp_path / "packed", bytes(packed)))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("content", [b"\0" * 2**26, b"a\n" * 2**25], ids=["zeros", "lines"])
def test_a_bomb_is_refused_within_little_memory(tmp_path: Path, kind: str, content: bytes) -> None:
    path = write(tmp_path / "bomb", PACKERS[kind](content))
    tracemalloc.start()
    with pytest.raises(InputError, match=r"packed more than 200 times|no text|has a line of more"):
        for _ in read_line_lists(path, ""):
            pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60 * 2**20


def test_xz_that_asks_for_gigabytes_is_refused(tmp_path: Path) -> None:
    packed = bytearray(lzma.compress(b"text\n", filters=[{"id": lzma.FILTER_LZMA2, "preset": 0}]))
    # the size of the dictionary, a byte of the block's header, which has a checksum of its own
    start, length = 12, (packed[12] + 1) * 4
    place = packed.index(b"\x21\x01", start) + 2
    packed[place] = 40
    packed[start + length - 4 : start + length] = zlib.crc32(
        bytes(packed[start : start + length - 4])
    ).to_bytes(4, "little")
    with pytest.raises(InputError, match=r"cannot be unpacked .*[Mm]emory"):
        read_lines(write(tmp_path / "a.xz", bytes(packed)))


def test_a_line_without_an_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has a line of more than 16,777,216 bytes"):
        read_lines(write(tmp_path / "a", b"a" * (2**24 + 2)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'<?xml version="1.0"?>\n<xliff version="1.2">\n', r"is XLIFF, .*download\.documents"),
        (b'msgid "a"\nmsgstr "b"\n', r"is gettext PO, .*download\.documents"),
        ("añb\n".encode("utf-16"), "is UTF-16, not plain text: save it as UTF-8"),
        (gzip.compress(b'{"a": "b"}', mtime=0), "is JSON, not plain text"),
        (b"PK\x03\x04 and more", "is a zip archive .*: unpack it"),
    ],
)
def test_a_file_that_is_no_plain_text_is_called_what_it_is(
    tmp_path: Path, data: bytes, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_lines(write(tmp_path / "text.en", data))
