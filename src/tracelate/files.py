"""Atomic writing of files, and their hashes.

A file is written under a temporary name in its own folder, which its writer has locked, and then
renamed. The system releases the lock when the writer ends, also if it is killed; the next writer of
the same file removes temporary files that nobody has locked.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import json
import math
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tracelate.errors import InputError

NEW_FILE_MODE, NEW_FOLDER_MODE = 0o666, 0o777
"""Permissions before the umask is applied."""
SUFFIX = ".unfinished"
"""End of the name of a temporary file or folder."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yields a temporary path that replaces `path` if the block ends without an error.

    An existing file keeps its mode, and a new one has that of the umask. An error of the operating
    system that names no file, such as that of a full disk, names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    mode = _mode_of(path)
    # not more permissions than at the end, so that nobody else can read the file meanwhile
    created_with = NEW_FILE_MODE if mode is None else mode & NEW_FILE_MODE | stat.S_IWUSR
    temporary, descriptor = _create_locked(path, os.O_RDWR | os.O_CREAT, created_with)
    try:
        if mode is None:
            mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        yield temporary
        temporary.chmod(mode)  # some libraries put a file of their own in its place
        temporary.replace(path)
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)
        os.close(descriptor)


@contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """Yields an empty folder beside `path`, in which it is prepared; it is removed at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    folder, descriptor = _create_locked(path, os.O_RDONLY | os.O_DIRECTORY, NEW_FOLDER_MODE)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _create_locked(path: Path, flags: int, mode: int) -> tuple[Path, int]:
    """Creates a file or folder with a new name and locks it. Returns it and its descriptor."""
    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}{SUFFIX}")
        if flags & os.O_DIRECTORY:
            temporary.mkdir(mode)
        else:
            flags |= os.O_EXCL
        with suppress(FileNotFoundError):  # removed by another writer before it was locked
            descriptor = os.open(temporary, flags | os.O_NOFOLLOW, mode)
            with suppress(OSError):  # a file system without locks: leftovers stay
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if temporary.exists():
                return temporary, descriptor
            os.close(descriptor)


def _remove_leftovers(path: Path) -> None:
    """Removes the temporary files and folders of writers of `path` that were killed."""
    pattern = f".{glob.escape(path.name)}.{'[0-9a-f]' * 16}{SUFFIX}"
    for leftover in path.parent.glob(pattern):
        with suppress(OSError):  # locked, removed by another writer, or of another user
            descriptor = os.open(leftover, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if leftover.is_dir():
                    shutil.rmtree(leftover)
                else:
                    leftover.unlink()
            finally:
                os.close(descriptor)


def _mode_of(path: Path) -> int | None:
    """Returns the permissions of a regular file; None if there is none."""
    try:
        found = path.lstat().st_mode
    except FileNotFoundError:
        return None
    return stat.S_IMODE(found) if stat.S_ISREG(found) else None


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as indented JSON; the same value gives the same bytes.

    Raises InputError if a number is NaN or infinite, which JSON does not have.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    except ValueError as error:
        raise InputError(
            f"{path} was not written ({error}): find the measurement that gave no number, and "
            "measure again"
        ) from error
    with whole_file(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Raises InputError if the file is not JSON, which has neither NaN nor infinity."""
    try:
        return parse_json(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is damaged ({error}): restore it, or run the stage that writes it again"
        ) from error


def parse_json(text: str | bytes) -> Any:
    """Raises ValueError if a number is NaN or infinite, which Python's own parser accepts."""
    return json.loads(text, parse_constant=_finite_number, parse_float=_finite_number)


def finite_or_none(value: Any) -> Any:
    """Returns a JSON value with None in place of each number that is NaN or infinite."""
    if isinstance(value, Mapping):
        return {key: finite_or_none(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite_or_none(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _finite_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5_of(path: Path) -> str:
    """Returns the hash by which DVC names a file; it is no proof against forgery."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def refuse_unwritable(folders: Iterable[Path]) -> None:
    """Makes the folders that are missing; raises OSError if a file cannot be written to one."""
    for folder in dict.fromkeys(folders):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            error.filename = str(folder)  # not that of the temporary file
            raise


def remove_files(paths: Iterable[Path]) -> None:
    """Removes earlier outputs of a stage, so that a failed run leaves no outdated ones."""
    for path in paths:
        path.unlink(missing_ok=True)
