"""Translation of text files, line by line and in constant RAM, with resuming.

Until the output OUT is complete, OUT.part has the translations so far, and OUT.part.json has their
number and the identity of the model, the settings and the input.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from tracelate.errors import InputError
from tracelate.files import sha256_of, write_json
from tracelate.inference.translator import CHUNK_BATCHES, Translator


class PartState(BaseModel):
    """Content of OUT.part.json: the part of OUT.part that is complete."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    identity: str
    """Hash of the model, its settings and the input."""
    lines: int
    """Number of input lines that are translated."""
    bytes: int
    """Size of their translations."""


def translation_identity(settings: Mapping[str, Any], inputs: Sequence[Path]) -> str:
    """Returns a hash of the settings, which include the model's hashes, and of the inputs' content.

    A translation is resumed only with the same hash.
    """
    document = {**settings, "inputs": [sha256_of(path) for path in inputs]}
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def translate_to_file(
    translator: Translator,
    inputs: Sequence[Path],
    output: Path,
    identity: str,
    on_bytes: Callable[[int], object] = lambda _: None,
) -> None:
    """Writes a line for each line of `inputs`, one file after the other, to `output`.

    It resumes an interrupted call with the same `identity`. `on_bytes` is called with the number of
    bytes of each input line that is read.

    Raises InputError if `output` exists, its part has another identity, or a line is not UTF-8.
    """
    if output.exists():
        raise InputError(f"{output} exists already: remove it, or name another --output")
    output.parent.mkdir(parents=True, exist_ok=True)
    part, state_path = _part(output)
    state = _earlier_state(output, identity) or PartState(identity=identity, lines=0, bytes=0)
    lines = read_files(inputs, on_bytes, skipped=state.lines)
    with part.open("r+b" if part.exists() else "w+b") as file:
        file.truncate(state.bytes)
        file.seek(state.bytes)
        while chunk := list(itertools.islice(lines, CHUNK_BATCHES * translator.batch_sentences)):
            translations = translator.translate_lines(iter(chunk))
            file.write("".join(f"{line}\n" for line in translations).encode())
            file.flush()
            os.fsync(file.fileno())
            done = state.lines + len(chunk)
            state = PartState(identity=identity, lines=done, bytes=file.tell())
            write_json(state_path, state.model_dump())
    part.replace(output)
    state_path.unlink(missing_ok=True)


def read_files(
    paths: Sequence[Path], on_bytes: Callable[[int], object] = lambda _: None, skipped: int = 0
) -> Iterator[str]:
    """Yields the lines of one file after the other, without the first `skipped`.

    Raises InputError, which names a line that is not UTF-8.
    """
    for path in paths:
        with path.open("rb") as file:
            counted = _counting(file, on_bytes)
            before = sum(1 for _ in itertools.islice(counted, skipped))
            skipped -= before
            yield from read_lines(counted, str(path), before + 1)


def read_lines(lines: Iterator[bytes], name: str, first: int = 1) -> Iterator[str]:
    """Yields UTF-8 lines without line ends. Raises InputError, which names a line that is not."""
    for number, line in enumerate(lines, start=first):
        try:
            yield line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{name}, line {number}: {error.reason} at byte {error.start + 1}: "
                "convert it to UTF-8"
            ) from error


def _counting(file: BinaryIO, on_bytes: Callable[[int], object]) -> Iterator[bytes]:
    for line in file:
        yield line
        on_bytes(len(line))


def _part(output: Path) -> tuple[Path, Path]:
    part = output.with_name(f"{output.name}.part")
    return part, part.with_name(f"{part.name}.json")


def _earlier_state(output: Path, identity: str) -> PartState | None:
    """Returns the state of an interrupted call; None if there is none."""
    part, path = _part(output)
    if not path.exists():
        return None
    try:
        state = PartState.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(f"{path} is damaged: remove it and {part} to start again") from error
    if state.identity != identity:
        raise InputError(
            f"{part} is of another model, other settings or another input: use those again, or "
            f"remove it and {path} to start again"
        )
    if not part.exists() or part.stat().st_size < state.bytes:
        raise InputError(f"{part} is not complete: remove it and {path} to start again")
    return state
