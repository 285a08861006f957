"""Reading members of a ZIP archive that may have been made to harm its reader.

An archive of two megabytes can unpack to gigabytes. The limits are several times what the largest
wheel in use here has: homeassistant 2026.2.3 has 51 MB, 47,084 members, catalogs of at most 244 KB,
which are packed at most 34 times smaller, and 13 MB of catalogs in two languages.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from tracelate.errors import InputError

MAX_ARCHIVE_BYTES = 512 * 2**20
"""Largest archive: its list of members is held in memory whole."""
MAX_MEMBERS = 200_000
MAX_NAME_CHARACTERS = 1_000
MAX_MEMBER_BYTES = 4 * 2**20
"""Largest member, unpacked. As JSON, it takes up to fifty times as much memory."""
MAX_RATIO = 200
"""Most bytes of a member for each byte that it has in the archive; text stays far below."""
MIN_BYTES_OF_RATIO = 2**16
"""Members up to this size may have any ratio."""
MAX_TOTAL_BYTES = 256 * 2**20
"""Most bytes of all members that are read from an archive, unpacked."""
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Methods of compression whose output can be limited while unpacking."""
DAMAGE = (
    zipfile.BadZipFile,
    EOFError,
    LookupError,
    OSError,
    OverflowError,
    RuntimeError,  # NotImplementedError among them
    ValueError,
    struct.error,
    zlib.error,
)
"""Exceptions of the zip library for a damaged archive."""


class Archive:
    """An open archive whose members were checked; `read` counts what it has unpacked."""

    def __init__(self, opened: zipfile.ZipFile, place: str) -> None:
        self._opened = opened
        self._place = place
        self._unpacked = 0

    @property
    def names(self) -> list[str]:
        """Names of all members, each of which occurs once."""
        return self._opened.namelist()

    def read(self, name: str) -> bytes:
        """Returns the member's content. Raises InputError if it is above a limit or encrypted."""
        info = self._opened.getinfo(name)
        if (fault := _fault_of(info)) is not None:
            raise self._refusal(f"its member {name!a} {fault}")
        self._unpacked += info.file_size
        if self._unpacked > MAX_TOTAL_BYTES:
            raise self._refusal(f"its catalogs have more than {MAX_TOTAL_BYTES:,} bytes")
        try:
            with self._opened.open(info) as member:
                return member.read(MAX_MEMBER_BYTES + 1)
        except DAMAGE as error:
            raise self._refusal(f"its member {name!a} is damaged: {error}") from error

    def refuse_unsafe_members(self) -> None:
        """Raises InputError for names that occur twice or lead out of the archive's folder."""
        names = self.names
        if len(names) > MAX_MEMBERS:
            raise self._refusal(f"it has {len(names):,} members, more than {MAX_MEMBERS:,}")
        for info in self._opened.infolist():
            if not _is_safe(info.orig_filename):
                raise self._refusal(f"its member {info.orig_filename[:100]!a} has an unsafe name")
        name, times = max(Counter(names).items(), key=lambda one: one[1], default=("", 1))
        if times > 1:
            raise self._refusal(f"its member {name!a} occurs {times} times")

    def _refusal(self, reason: str) -> InputError:
        return InputError(f"{self._place} is no safe wheel ({reason}): name another file")


@contextmanager
def open_archive(path: Path, place: str) -> Iterator[Archive]:
    """Yields the archive, which messages call `place`.

    Raises InputError if it is damaged, above a limit, or has unsafe names.
    """
    size = path.stat().st_size
    if size > MAX_ARCHIVE_BYTES:
        raise InputError(
            f"{place} has {size:,} bytes, more than the {MAX_ARCHIVE_BYTES:,} that are read: name "
            "another file"
        )
    try:
        opened = zipfile.ZipFile(path)
    except DAMAGE as error:
        raise InputError(f"{place} is no readable wheel ({error}): name another file") from error
    with opened:
        archive = Archive(opened, place)
        archive.refuse_unsafe_members()
        yield archive


def _is_safe(name: str) -> bool:
    path = PurePosixPath(name)
    return (
        0 < len(name) <= MAX_NAME_CHARACTERS
        and not path.is_absolute()
        and ".." not in path.parts
        and "\\" not in name
        and ":" not in path.parts[0]
        and name.isprintable()
    )


def _fault_of(info: zipfile.ZipInfo) -> str | None:
    if info.flag_bits & 1:
        return "is encrypted"
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "is no regular file"
    if info.compress_type not in METHODS:
        return "is compressed by another method than deflate"
    if info.file_size > MAX_MEMBER_BYTES:
        return f"has {info.file_size:,} bytes, more than {MAX_MEMBER_BYTES:,}"
    if info.file_size > max(MIN_BYTES_OF_RATIO, MAX_RATIO * info.compress_size):
        return f"is packed more than {MAX_RATIO} times smaller"
    return None
