"""The size of a zip archive's list of members, before the zip library reads it into memory whole.

The records are those of PKWARE's APPNOTE 6.3.10, 4.3.14 to 4.3.16.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

END, END_BYTES = b"PK\x05\x06", 22
END_64, END_64_BYTES = b"PK\x06\x06", 56
LOCATOR, LOCATOR_BYTES = b"PK\x06\x07", 20
MAX_COMMENT_BYTES = 2**16


def directory_bytes(path: Path) -> int:
    """Returns the size that the archive states of its list of members, the largest of several.

    0 if it has no record of its end; the library refuses such a file.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        begin = max(0, size - END_BYTES - MAX_COMMENT_BYTES)
        file.seek(begin)
        tail = file.read()
        return max(_stated(file, tail, begin), default=0)


def _stated(file: IO[bytes], tail: bytes, begin: int) -> Iterator[int]:
    # the library takes a record at the very end, or else the last one
    for place in {len(tail) - END_BYTES, tail.rfind(END)}:
        record = tail[max(0, place) : place + END_BYTES]
        if len(record) < END_BYTES or not record.startswith(END):
            continue
        yield struct.unpack_from("<I", record, 12)[0] % 0xFFFFFFFF  # all ones: see the other record
        end = begin + place
        locator = _read_at(file, end - LOCATOR_BYTES, LOCATOR_BYTES)
        if not locator.startswith(LOCATOR):
            continue
        # versions of the library differ in which of the two they read
        for start in (
            struct.unpack_from("<Q", locator, 8)[0],
            end - LOCATOR_BYTES - END_64_BYTES,
        ):
            record = _read_at(file, start, END_64_BYTES)
            if len(record) == END_64_BYTES and record.startswith(END_64):
                yield struct.unpack_from("<Q", record, 40)[0]


def _read_at(file: IO[bytes], place: int, count: int) -> bytes:
    if not 0 <= place < 2**63:
        return b""
    file.seek(place)
    return file.read(count)
