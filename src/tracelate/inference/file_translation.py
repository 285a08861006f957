"""Translation of text files, line by line and in constant RAM, with resuming."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from tracelate.errors import InputError
from tracelate.files import sha256_of
from tracelate.inference.part_file import is_complete, open_part, refuse_output
from tracelate.inference.translator import Translator

LONGEST_LINE_BYTES = 1 << 24
"""Limit of a line, so that a file without line ends is not read into the RAM."""


def translation_identity(settings: Mapping[str, Any], inputs: Sequence[Path]) -> str:
    """Returns a hash of the settings, which include the model's hashes, and of the inputs' content.

    A translation is resumed only with the same hash.
    """
    document = {**settings, "inputs": [sha256_of(path) for path in inputs]}
    return hashlib.sha256(
        json.dumps(document, sort_keys=True, allow_nan=False).encode()
    ).hexdigest()


def translate_to_file(
    translator: Translator,
    inputs: Sequence[Path],
    output: Path,
    identity: str,
    on_bytes: Callable[[int], object] = lambda _: None,
    check_line: Callable[[str], object] = lambda _: None,
) -> None:
    """Writes a line for each line of `inputs`, one file after the other, to `output`.

    It resumes an interrupted call with the same `identity`. `on_bytes` is called with the number of
    bytes of each input line that is read, and `check_line` with each line.

    Raises InputError if `output` exists, its part cannot be continued, or a line is not UTF-8, or
    what `check_line` raises, with the line's place.
    """
    refuse_output(output, inputs)
    if is_complete(output, identity):
        return
    with open_part(output, identity) as part:
        lines = read_files(inputs, on_bytes, check_line, skipped=part.state.lines)
        while chunk := list(itertools.islice(lines, translator.group_lines)):
            translations = translator.translate_lines(iter(chunk))
            part.append("".join(f"{line}\n" for line in translations).encode(), len(chunk))
        part.complete()


def read_files(
    paths: Sequence[Path],
    on_bytes: Callable[[int], object] = lambda _: None,
    check_line: Callable[[str], object] = lambda _: None,
    skipped: int = 0,
) -> Iterator[str]:
    """Yields the lines of one file after the other, without the first `skipped`.

    Raises InputError as `read_lines` does.
    """
    for path in paths:
        with path.open("rb") as file:
            counted = _counting(bounded_lines(file), on_bytes)
            before = sum(1 for _ in itertools.islice(counted, skipped))
            skipped -= before
            yield from read_lines(counted, str(path), check_line, before + 1)


def read_lines(
    lines: Iterator[bytes],
    name: str,
    check_line: Callable[[str], object] = lambda _: None,
    first: int = 1,
) -> Iterator[str]:
    """Yields UTF-8 lines without line ends.

    Raises InputError, which names the line, if one is not UTF-8, is longer than LONGEST_LINE_BYTES,
    or if `check_line` raises one.
    """
    for number, line in enumerate(lines, start=first):
        try:
            if len(line) > LONGEST_LINE_BYTES:
                raise InputError(
                    f"more than {LONGEST_LINE_BYTES:,} bytes: break it into lines, or name a text "
                    "file"
                )
            text = line.decode("utf-8").rstrip("\r\n")
            check_line(text)
        except UnicodeDecodeError as error:
            raise InputError(
                f"{name}, line {number}: {error.reason} at byte {error.start + 1}: "
                "convert it to UTF-8"
            ) from error
        except InputError as error:
            raise InputError(f"{name}, line {number}: {error}") from error
        yield text


def bounded_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yields lines; of one that is longer than LONGEST_LINE_BYTES, one byte more than those."""
    return iter(lambda: file.readline(LONGEST_LINE_BYTES + 1), b"")


def _counting(lines: Iterator[bytes], on_bytes: Callable[[int], object]) -> Iterator[bytes]:
    for line in lines:
        yield line
        on_bytes(len(line))
