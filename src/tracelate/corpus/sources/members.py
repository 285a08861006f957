"""Unpacking of the members of an archive that a corpus is read from.

Zip archives, tar archives, which gzip, xz or zstd may have packed, and single files, which are
their own only member. What a file is follows from its content. Only regular files whose names stay
within the folder are written, and no more bytes than the limit.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from tracelate.corpus.sources.archive import (
    MAX_MEMBERS,
    Limits,
    is_safe_name,
    open_archive,
)
from tracelate.corpus.sources.content import BZIP2, ZIP, recognise
from tracelate.corpus.sources.text_blocks import read_head, read_unpacked
from tracelate.errors import InputError

TAR_MAGIC, TAR_MAGIC_PLACE = b"ustar", 257
"""POSIX 1003.1, ustar interchange format: the mark of a header, and its place."""
MAX_HEADER_BYTES = 2**20
"""Largest header with names: it is held in memory whole."""
HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
SHOWN_MEMBERS = 10
"""Number of members that a message lists."""
COPY_BYTES = 2**20


class PackedFile(NamedTuple):
    """A file that was fetched."""

    path: Path
    name: str
    """Its own name: a single file is a member of that name."""
    place: str
    """Its name in messages."""
    limit_bytes: int
    """Most bytes of all that is unpacked of an archive."""


def unpack_members(packed: PackedFile, patterns: Iterable[str], folder: Path) -> list[str]:
    """Writes the members that a pattern fits into the folder, under their names, and returns these.

    In a pattern, `*` is any part of a name, and `**/` any folders. Raises InputError if the file is
    damaged, is no safe archive, or if a pattern fits no member.
    """
    wanted = {pattern: _compiled(pattern) for pattern in patterns}
    if recognise(read_head(packed.path, 16)) == BZIP2:
        raise InputError(f"{packed.place} is bzip2, which is not read: name another file")
    if recognise(read_head(packed.path, 16)) == ZIP:
        members = _zip_members(packed, wanted.values(), folder)
    elif _is_tar(packed.path):
        members = _tar_members(packed, wanted.values(), folder)
    else:
        members = _single_member(packed, folder)
    known = list(members)
    for pattern in wanted:
        if not find_members(known, pattern):
            shown = ", ".join(map(ascii, known[:SHOWN_MEMBERS]))
            more = f" and {len(known) - SHOWN_MEMBERS:,} more" if len(known) > SHOWN_MEMBERS else ""
            raise InputError(
                f"{packed.place} has no member like {pattern!a}; it has {shown or 'none'}{more}: "
                "correct the pattern"
            )
    return sorted(name for name in known if any(one.fullmatch(name) for one in wanted.values()))


def find_members(names: Iterable[str], pattern: str) -> list[str]:
    """Returns the names that fit a pattern, in order."""
    compiled = _compiled(pattern)
    return sorted(name for name in names if compiled.fullmatch(name))


def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*)", pattern)
    special = {"**/": "(?:.*/)?", "*": "[^/]*"}
    return re.compile("".join(special.get(part) or re.escape(part) for part in parts))


def _zip_members(
    packed: PackedFile, wanted: Iterable[re.Pattern[str]], folder: Path
) -> Iterable[str]:
    limits = Limits(
        archive_bytes=packed.limit_bytes,
        member_bytes=packed.limit_bytes,
        total_bytes=packed.limit_bytes,
        kind="archive",
        content="members",
    )
    with open_archive(packed.path, packed.place, limits) as archive:
        names = [name for name in archive.names if not name.endswith("/")]
        for name in names:
            if any(one.fullmatch(name) for one in wanted):
                archive.copy(name, _made_path(folder, name, packed))
        return names


class _BoundedTarInfo(tarfile.TarInfo):
    """A header whose names fit into memory; the library reads them whole."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _BoundedTarInfo:
        info = super().frombuf(buf, encoding, errors)
        if info.type in HEADERS and info.size > MAX_HEADER_BYTES:
            raise _UnsafeTarError(f"it has a header of {info.size:,} bytes")
        if info.type == tarfile.GNUTYPE_SPARSE:
            raise _UnsafeTarError("it has a sparse file")
        return info


class _UnsafeTarError(Exception):
    """A tar archive that may harm its reader; the text is the reason."""


def _tar_members(
    packed: PackedFile, wanted: Iterable[re.Pattern[str]], folder: Path
) -> Iterable[str]:
    names: dict[str, None] = {}
    stream = io.BufferedReader(_UnpackedStream(packed))
    try:
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_BoundedTarInfo) as opened:
            for number, info in enumerate(opened, start=1):
                name = info.name.removeprefix("./")
                if number > MAX_MEMBERS:
                    raise _UnsafeTarError(f"it has more than {MAX_MEMBERS:,} members")
                if not is_safe_name(info.name):
                    raise _UnsafeTarError(f"its member {info.name[:100]!a} has an unsafe name")
                if info.isdir():
                    continue
                if name in names:
                    raise _UnsafeTarError(f"its member {name!a} occurs twice")
                names[name] = None
                if any(one.fullmatch(name) for one in wanted):
                    if not info.isreg() or info.sparse is not None:
                        raise _UnsafeTarError(f"its member {name!a} is no regular file")
                    content = opened.extractfile(info)
                    assert content is not None  # of a regular file
                    _copy(content, _made_path(folder, name, packed))
    except _UnsafeTarError as error:
        raise InputError(
            f"{packed.place} is no safe archive ({error}): name another file"
        ) from error
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{packed.place} is no whole tar archive ({error}): name another file"
        ) from error
    return names


class _UnpackedStream(io.RawIOBase):
    """The content of a packed file, unpacked, up to its limit."""

    def __init__(self, packed: PackedFile) -> None:
        self._packed = packed
        self._chunks = read_unpacked(packed.path, "fetch it again")
        self._rest = memoryview(b"")
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._read += len(chunk)
            if self._read > self._packed.limit_bytes:
                raise _UnsafeTarError(f"it has more than {self._packed.limit_bytes:,} bytes")
            self._rest = memoryview(chunk)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _single_member(packed: PackedFile, folder: Path) -> Iterable[str]:
    name = packed.name
    if not is_safe_name(name):
        raise InputError(f"{packed.place} has the unsafe name {name[:100]!a}: name another file")
    _made_path(folder, name, packed).symlink_to(packed.path.resolve())
    return [name]


def _is_tar(path: Path) -> bool:
    chunks: Iterator[bytes] = read_unpacked(path, "fetch it again")
    head = b""
    while len(head) < TAR_MAGIC_PLACE + len(TAR_MAGIC) and (chunk := next(chunks, b"")):
        head += chunk
    return head[TAR_MAGIC_PLACE:].startswith(TAR_MAGIC)


def _made_path(folder: Path, name: str, packed: PackedFile) -> Path:
    path = folder / PurePosixPath(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise FileExistsError
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(
            f"{packed.place} is no safe archive (its member {name!a} is a file and a folder): name "
            "another file"
        ) from error
    return path


def _copy(content: IO[bytes], path: Path) -> None:
    with path.open("wb") as file:
        while chunk := content.read(COPY_BYTES):
            file.write(chunk)
