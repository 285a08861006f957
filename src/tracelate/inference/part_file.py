"""A file that is written in parts, and continued after an interruption.

Until OUT is complete, OUT.tracelate-part has what is written so far, and OUT.tracelate-part.json
says how much of it is complete and of what it is a part. The process that writes has the part
locked. The system releases the lock when the process ends, also if it is killed.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from tracelate.errors import InputError
from tracelate.files import NEW_FILE_MODE, sha256_of, write_json

PART_SUFFIX = ".tracelate-part"
BLOCK_BYTES = 1 << 20
NO_HARD_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)
"""Errors of `os.link` on a file system without hard links."""


class PartState(BaseModel):
    """Content of OUT.tracelate-part.json."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    identity: str
    """Hash of the settings and the input; only the same ones continue the part."""
    lines: int
    """Number of complete lines."""
    bytes: int
    """Their size."""
    sha256: str
    """Their hash."""
    is_all: bool
    """True if no line is missing."""
    pid: int
    """Process that wrote last."""


class PartFile:
    """The part of an output, locked by this process."""

    def __init__(self, output: Path, file: BinaryIO, state: PartState) -> None:
        """`file` is at its end, which is the end of the state's lines."""
        self.output = output
        self.state = state
        self._file = file
        self._hash = _hash_of(file, state.bytes)

    def append(self, text: bytes, lines: int) -> None:
        """Writes complete lines to the disk."""
        self._file.write(text)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._hash.update(text)
        self._write_state(lines, len(text), is_all=False)

    def complete(self) -> None:
        """Gives the part the name of the output. Raises InputError if that exists by now."""
        self._write_state(0, 0, is_all=True)
        part, state_path = part_paths(self.output)
        try:
            os.link(part, self.output)  # unlike a rename, it never replaces a file
        except FileExistsError as error:
            raise _already_there(self.output) from error
        except OSError as error:
            if error.errno not in NO_HARD_LINKS:
                raise
            if os.path.lexists(self.output):
                raise _already_there(self.output) from error
            part.rename(self.output)
        part.unlink(missing_ok=True)
        state_path.unlink()

    def _write_state(self, lines: int, size: int, *, is_all: bool) -> None:
        self.state = PartState(
            identity=self.state.identity,
            lines=self.state.lines + lines,
            bytes=self.state.bytes + size,
            sha256=self._hash.hexdigest(),
            is_all=is_all,
            pid=os.getpid(),
        )
        write_json(part_paths(self.output)[1], self.state.model_dump())


@contextmanager
def open_part(output: Path, identity: str) -> Iterator[PartFile]:
    """Locks the part of `output` and yields it, new or where an interrupted call ended.

    Raises InputError if another process writes it, if it is not Tracelate's or was changed, or if
    it has another identity and is not empty.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    path, _ = part_paths(output)
    _read_state(output)  # a damaged one is refused before anything is created
    try:
        with os.fdopen(_open_locked(output), "r+b") as file:
            state = _state_to_continue(output, file, identity)
            file.truncate(state.bytes)
            part = PartFile(output, file, state)
            part.append(b"", 0)
            yield part
    except OSError as error:
        if error.filename is None and error.errno is not None:  # such as a full disk
            error.filename = str(path)
        raise


def refuse_output(output: Path, inputs: Sequence[Path]) -> None:
    """Raises InputError if `output` is an input, exists, or cannot be a regular file."""
    if output.is_dir():
        raise InputError(f"{output} is a folder: name a file in it")
    part, state_path = part_paths(output)
    for path in inputs:
        for written in (output, part, state_path):
            if written.exists() and written.samefile(path):
                raise InputError(f"{written} is the input {path}: name another --output")
    elsewhere = "leave out --output to write to standard output"
    if output.is_symlink():
        raise InputError(f"{output} is a symbolic link: name the file itself, or {elsewhere}")
    if output.exists() and not output.is_file():
        raise InputError(f"{output} is not a regular file: name another one, or {elsewhere}")
    if output.exists() and not state_path.exists():
        raise _already_there(output)


def is_complete(output: Path, identity: str) -> bool:
    """True if the last call was interrupted after it had completed `output`.

    It then removes what that call left. Raises InputError if `output` exists otherwise.
    """
    if not os.path.lexists(output):
        return False
    part, state_path = part_paths(output)
    state = _read_state(output)
    if (
        state is None
        or not (state.is_all and state.identity == identity)
        or sha256_of(output) != state.sha256
    ):
        raise _already_there(output)
    if part.exists() and part.samefile(output):
        part.unlink()
    state_path.unlink()
    return True


def part_paths(output: Path) -> tuple[Path, Path]:
    """Returns the paths of the part and of its state."""
    part = output.with_name(output.name + PART_SUFFIX)
    return part, part.with_name(f"{part.name}.json")


def _already_there(output: Path) -> InputError:
    return InputError(f"{output} exists already: remove it, or name another --output")


def _open_locked(output: Path) -> int:
    """Opens or creates the part, not through a link, and locks it."""
    path, _ = part_paths(output)
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
    while True:
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, NEW_FILE_MODE)
        except FileExistsError:
            try:
                descriptor = os.open(path, flags)
            except FileNotFoundError:  # completed by another process just now
                continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(path, descriptor):
                _refuse_foreign(output, os.fstat(descriptor))
                return descriptor
        except BaseException as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                raise _in_use(output) from error
            raise
        os.close(descriptor)  # completed by another process between opening and locking


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _refuse_foreign(output: Path, found: os.stat_result) -> None:
    path, state_path = part_paths(output)
    is_ours = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
    if not is_ours or (found.st_size > 0 and not state_path.exists()):
        raise InputError(
            f"{path} was not begun by `tracelate translate`, or has a second name: move it away, "
            "or name another --output"
        )


def _in_use(output: Path) -> InputError:
    state = _read_state(output)
    holder = "another process" if state is None else f"process {state.pid}"
    return InputError(
        f"{holder} writes {part_paths(output)[0]}: wait until it ends, or name another --output"
    )


def _state_to_continue(output: Path, file: BinaryIO, identity: str) -> PartState:
    path, state_path = part_paths(output)
    if os.path.lexists(output):
        raise _already_there(output)
    state = _read_state(output)
    if state is None or (state.lines == 0 and state.identity != identity):
        empty = hashlib.sha256().hexdigest()
        return PartState(
            identity=identity, lines=0, bytes=0, sha256=empty, is_all=False, pid=os.getpid()
        )
    if state.identity != identity:
        raise InputError(
            f"{path} is of another model, other settings or another input: use those again, or "
            f"remove it and {state_path} to start again"
        )
    if _hash_of(file, state.bytes).hexdigest() != state.sha256:
        raise InputError(
            f"{path} is not complete, or was changed: remove it and {state_path} to start again"
        )
    return state


def _read_state(output: Path) -> PartState | None:
    """Returns None if there is no state. Raises InputError if it is damaged."""
    part, path = part_paths(output)
    try:
        return PartState.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise InputError(
            f"{path} is damaged or not Tracelate's: move it and {part} away to start again"
        ) from error


def _hash_of(file: BinaryIO, size: int) -> hashlib._Hash:
    """Returns the hash of the first `size` bytes, and moves to their end."""
    file.seek(0)
    found, left = hashlib.sha256(), size
    while left and (block := file.read(min(BLOCK_BYTES, left))):
        found.update(block)
        left -= len(block)
    file.seek(size)
    return found
