"""Reading members of a ZIP archive that may have been made to harm its reader.

An archive of two megabytes can unpack to gigabytes. The limits are several times what the largest
wheel in use here has: homeassistant 2026.2.3 has 51 MB, 47,084 members, catalogs of at most 244 KB,
which are packed at most 34 times smaller, and 13 MB of catalogs in two languages.
"""

from __future__ import annotations

import errno
import shutil
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from tracelate.corpus.sources.zip_directory import directory_bytes
from tracelate.errors import InputError

MAX_ARCHIVE_BYTES = 512 * 2**20
"""Largest wheel."""
MAX_DIRECTORY_BYTES = 32 * 2**20
"""Largest list of members, which is held in memory whole and takes up to 30 times as much there.
That of the wheel above has 7 MB."""
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
FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Limits(NamedTuple):
    """Limits of an archive, and the names of it in messages."""

    archive_bytes: int
    member_bytes: int
    """Of one member, unpacked."""
    total_bytes: int
    """Of all members that are read, unpacked."""
    kind: str = "wheel"
    content: str = "catalogs"


class Archive:
    """An open archive whose members were checked; `read` and `copy` count what they unpack."""

    def __init__(self, opened: zipfile.ZipFile, place: str, limits: Limits) -> None:
        self._opened = opened
        self._place = place
        self._limits = limits
        self._unpacked = 0

    @property
    def names(self) -> list[str]:
        """Names of all members, each of which occurs once."""
        return self._opened.namelist()

    def read(self, name: str) -> bytes:
        """Returns the member's content. Raises InputError if it is above a limit or encrypted."""
        info = self._counted(name)
        with self._refusing_damage(name), self._opened.open(info) as member:
            return member.read(self._limits.member_bytes + 1)

    def copy(self, name: str, path: Path) -> None:
        """Writes the member's content to a file. Raises InputError as `read` does."""
        info = self._counted(name)
        with path.open("wb") as file, self._refusing_damage(name), self._opened.open(info) as one:
            shutil.copyfileobj(one, file)

    def _counted(self, name: str) -> zipfile.ZipInfo:
        info, limits = self._opened.getinfo(name), self._limits
        if (fault := _fault_of(info, limits.member_bytes)) is not None:
            raise self._refusal(f"its member {name!a} {fault}")
        self._unpacked += info.file_size
        if self._unpacked > limits.total_bytes:
            raise self._refusal(f"its {limits.content} have more than {limits.total_bytes:,} bytes")
        return info

    @contextmanager
    def _refusing_damage(self, name: str) -> Iterator[None]:
        try:
            yield
        except DAMAGE as error:
            if isinstance(error, OSError) and error.errno in FULL_DISK:
                raise
            raise self._refusal(f"its member {name!a} is damaged: {error}") from error

    def refuse_unsafe_members(self) -> None:
        """Raises InputError for names that occur twice or lead out of the archive's folder."""
        names = self.names
        if len(names) > MAX_MEMBERS:
            raise self._refusal(f"it has {len(names):,} members, more than {MAX_MEMBERS:,}")
        for info in self._opened.infolist():
            if not is_safe_name(info.orig_filename):
                raise self._refusal(f"its member {info.orig_filename[:100]!a} has an unsafe name")
        name, times = max(Counter(names).items(), key=lambda one: one[1], default=("", 1))
        if times > 1:
            raise self._refusal(f"its member {name!a} occurs {times} times")

    def _refusal(self, reason: str) -> InputError:
        kind = self._limits.kind
        return InputError(f"{self._place} is no safe {kind} ({reason}): name another file")


@contextmanager
def open_archive(path: Path, place: str, limits: Limits | None = None) -> Iterator[Archive]:
    """Yields the archive, which messages call `place`. The limits are those of a wheel by default.

    Raises InputError if it is damaged, above a limit, or has unsafe names.
    """
    limits = limits or Limits(MAX_ARCHIVE_BYTES, MAX_MEMBER_BYTES, MAX_TOTAL_BYTES)
    size = path.stat().st_size
    if size > limits.archive_bytes:
        raise InputError(
            f"{place} has {size:,} bytes, more than the {limits.archive_bytes:,} that are read: "
            "name another file"
        )
    if (listed := directory_bytes(path)) > MAX_DIRECTORY_BYTES:
        raise InputError(
            f"{place} is no safe {limits.kind} (its list of members has {listed:,} bytes, more "
            f"than {MAX_DIRECTORY_BYTES:,}): name another file"
        )
    try:
        opened = zipfile.ZipFile(path)
    except DAMAGE as error:
        raise InputError(
            f"{place} is no readable {limits.kind} ({error}): name another file"
        ) from error
    with opened:
        archive = Archive(opened, place, limits)
        archive.refuse_unsafe_members()
        yield archive


def is_safe_name(name: str) -> bool:
    path = PurePosixPath(name)
    return (
        0 < len(name) <= MAX_NAME_CHARACTERS
        and not path.is_absolute()
        and ".." not in path.parts
        and "\\" not in name
        and ":" not in path.parts[0]
        and name.isprintable()
    )


def _fault_of(info: zipfile.ZipInfo, most_bytes: int) -> str | None:
    if info.flag_bits & 1:
        return "is encrypted"
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "is no regular file"
    if info.compress_type not in METHODS:
        return "is compressed by another method than deflate"
    if info.file_size > most_bytes:
        return f"has {info.file_size:,} bytes, more than {most_bytes:,}"
    if info.file_size > max(MIN_BYTES_OF_RATIO, MAX_RATIO * info.compress_size):
        return f"is packed more than {MAX_RATIO} times smaller"
    return None
