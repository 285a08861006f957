"""Reading of UTF-8 text in blocks of whole lines, also from files that gzip, xz or zstd packed.

Only LF and CR LF end a line, so that other breaks cannot shift one file against another.
"""

from __future__ import annotations

import codecs
import gzip
import lzma
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from tracelate.corpus.sources.content import GZIP, HEAD_BYTES, XZ, ZSTD, Content, recognise
from tracelate.errors import InputError

BLOCK_BYTES = 2**20
MAX_LINE_BYTES = 16 * 2**20
"""Longest line: far more than any sentence has."""
MAX_RATIO = 200
"""Most bytes of text for each byte of a packed file; real text stays far below."""
MIN_BYTES_OF_RATIO = 16 * 2**20
"""A packed file may unpack to this size at any ratio."""
MAX_XZ_MEMORY = 256 * 2**20
"""Most memory for unpacking xz; `xz -9` needs 65 MiB."""
DAMAGE = (EOFError, OSError, ValueError, lzma.LZMAError, zlib.error, pa.ArrowException)
"""Exceptions of the libraries for a damaged file."""


def read_line_lists(
    path: Path, missing: str, expected: Content | None = None
) -> Iterator[list[str]]:
    """Yields the lines of a file, a list for each block of it. `missing` is the remedy.

    `expected` is the content that the text may have besides plain text.

    Raises InputError if the file is missing, is not UTF-8 text, is damaged, or is packed more than
    MAX_RATIO times smaller.
    """
    number = 1
    for block in read_line_blocks(path, missing, expected):
        try:
            text = block.decode()
        except UnicodeDecodeError as error:
            raise _not_utf8(path, number, block, error.start) from error
        lines = text.split("\n")
        lines.pop()
        yield lines
        number += len(lines)


def read_line_blocks(path: Path, missing: str, expected: Content | None = None) -> Iterator[bytes]:
    """Yields the bytes of a file in blocks of whole lines that each end in LF.

    Raises InputError as `read_line_lists` does, but for text that is not UTF-8.
    """
    rest, first = b"", True
    for chunk in read_unpacked(path, missing):
        if first:
            _refuse_other_content(path, chunk, expected)
            chunk, first = chunk.removeprefix(codecs.BOM_UTF8), False
        end = chunk.rfind(b"\n") + 1
        if not end:
            rest += chunk
            if len(rest) > MAX_LINE_BYTES:
                raise InputError(
                    f"{path} has a line of more than {MAX_LINE_BYTES:,} bytes: put each sentence "
                    "on a line of its own"
                )
            continue
        block, rest = rest + chunk[:end], chunk[end:]
        yield block.replace(b"\r\n", b"\n")
    if rest:
        yield rest.removesuffix(b"\r") + b"\n"


def read_unpacked(path: Path, missing: str) -> Iterator[bytes]:
    """Yields the content of a file, unpacked if gzip, xz or zstd packed it."""
    if not path.is_file():
        raise InputError(f"{path} is missing: {missing}")
    reader = _READERS.get(recognise(read_head(path, 16)))
    if reader is None:
        with path.open("rb") as file:
            yield from _read_chunks(file)
        return
    size, unpacked = path.stat().st_size, 0
    with closing(reader(path)) as chunks:
        while True:
            try:
                chunk = next(chunks, None)
            except DAMAGE as error:
                reason = " ".join(str(error).split()) or type(error).__name__
                raise InputError(
                    f"{path} cannot be unpacked ({reason}): pack it again, or name another file"
                ) from error
            if chunk is None:
                return
            unpacked += len(chunk)
            if unpacked > max(MIN_BYTES_OF_RATIO, MAX_RATIO * size):
                raise InputError(
                    f"{path} is packed more than {MAX_RATIO} times smaller, as no text is: unpack "
                    "it yourself if you trust it"
                )
            yield chunk


def read_head(path: Path, count: int = HEAD_BYTES) -> bytes:
    """Returns the first bytes of a file as they lie on the disk."""
    with path.open("rb") as file:
        return file.read(count)


def _read_chunks(file: IO[bytes] | Any) -> Generator[bytes, None, None]:
    while chunk := file.read(BLOCK_BYTES):
        yield chunk


def _read_gzip(path: Path) -> Generator[bytes, None, None]:
    with gzip.open(path) as file:
        yield from _read_chunks(file)


def _read_zstd(path: Path) -> Generator[bytes, None, None]:
    with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as file:
        yield from _read_chunks(file)


def _read_xz(path: Path) -> Generator[bytes, None, None]:
    # lzma.open has no limit of memory, and a file of a few bytes may ask for 4 GB
    decompressor = None
    with path.open("rb") as file:
        while packed := file.read(BLOCK_BYTES):
            while packed or (decompressor is not None and not decompressor.needs_input):
                if decompressor is None:
                    packed = packed.lstrip(b"\0")  # streams may follow each other, after zeros
                    if not packed:
                        break
                    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_XZ_MEMORY)
                if chunk := decompressor.decompress(packed, BLOCK_BYTES):
                    yield chunk
                packed = b""
                if decompressor.eof:
                    packed, decompressor = decompressor.unused_data, None
    if decompressor is not None:
        raise EOFError("it ends too early")


_READERS: dict[Content | None, Callable[[Path], Generator[bytes, None, None]]] = {
    GZIP: _read_gzip,
    XZ: _read_xz,
    ZSTD: _read_zstd,
}
"""Readers of packed files."""


def _refuse_other_content(path: Path, head: bytes, expected: Content | None) -> None:
    content = recognise(head[:HEAD_BYTES])
    if content is not None and content != expected:
        raise InputError(f"{path} is {content.title}, not plain text: {content.remedy}")


def _not_utf8(path: Path, number: int, block: bytes, start: int) -> InputError:
    number += block.count(b"\n", 0, start)
    begin = block.rfind(b"\n", 0, start) + 1
    line = block[begin : block.index(b"\n", start)]
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return InputError(f"{path}, line {number}, is not UTF-8: {error}; convert it")
    raise AssertionError("the line was found by its error")
