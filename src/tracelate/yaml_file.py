"""Reading of YAML files that people write, within limits of size, depth and aliases.

It is YAML 1.2, as DVC reads it: `no` is the text "no", and `1e-3` is a number. The values are those
of JSON, and dates, bytes and sets where the file has them.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import ReusedAnchorWarning, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    ScalarEvent,
)

from tracelate.errors import InputError

MAX_BYTES = 256 * 1024
MAX_VALUES = 5_000
"""Keys and values, with those that aliases repeat."""
MAX_DEPTH = 20
"""Mappings and lists inside each other."""
MAX_NUMBER_BITS = 64
"""Longer numbers are no numbers of numpy, torch or a database."""
SHOWN_CHARACTERS = 200
"""Of the reason that the parser gives."""


class _RefusedError(ValueError):
    """The file is within YAML, and beyond a limit."""


def read_yaml(path: Path, missing: str) -> Any:
    """Returns the values of a YAML file with one document; None for an empty one.

    Raises InputError in one short line if the file is missing, for which `missing` is the remedy,
    is not YAML, or is beyond a limit.
    """
    return parse_yaml(_read_text(path, missing), str(path))


def parse_yaml(text: str, place: str, max_values: int = MAX_VALUES) -> Any:
    """Returns the values of a YAML text that came from `place`. Raises as `read_yaml` does."""
    try:
        _refuse_beyond_limits(text, max_values)
        # pure: the C loader follows YAML 1.1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)  # YAML allows it
            values = YAML(typ="safe", pure=True).load(text)
        _refuse_odd_values(values)
    except _RefusedError as error:
        raise InputError(f"{place} {error}") from error
    except Exception as error:  # a constructor of a tag may raise any class
        raise _invalid(place, error) from error
    return values


def _read_text(path: Path, missing: str) -> str:
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is no regular file: put a YAML file in its place")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: {missing}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): correct that") from error
    if len(content) > MAX_BYTES:
        raise InputError(f"{path} has more than {MAX_BYTES:,} bytes, the limit: shorten it")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no valid YAML: {error}; save it as UTF-8") from error


def _refuse_beyond_limits(text: str, max_values: int) -> None:
    """Reads the parser's events, before anything is built from them."""
    total, begun = 0, [0]
    """Values so far, and those at the beginning of each collection that is open."""
    names: list[str | None] = [None]
    sizes: dict[str, int] = {}
    """Values of each anchor whose collection or scalar has ended."""
    documents = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        match event:
            case DocumentStartEvent():
                documents += 1
            case AliasEvent():
                # one without a size is inside itself, or is not known, which the loader reports
                if event.anchor in names:
                    raise _RefusedError(
                        f"has the alias {shorten(event.anchor, SHOWN_CHARACTERS)} inside itself"
                    )
                total += sizes.get(event.anchor, 0)
            case ScalarEvent():
                total += 1
                if event.anchor is not None:
                    sizes[event.anchor] = 1
            case CollectionStartEvent():
                begun.append(total)
                names.append(event.anchor)
                total += 1
            case CollectionEndEvent():
                size, anchor = total - begun.pop(), names.pop()
                if anchor is not None:
                    sizes[anchor] = size
        if len(begun) > MAX_DEPTH + 1:
            raise _RefusedError(f"nests more than {MAX_DEPTH} mappings and lists: flatten it")
        if total > max_values:
            raise _RefusedError(
                f"has more than {max_values:,} keys and values, those of aliases included: "
                "shorten it"
            )
        if documents > 1:
            raise _RefusedError("has several documents: remove all from the second `---` on")


def _refuse_odd_values(values: object) -> None:
    match values:
        case dict():
            for key, value in values.items():
                if not isinstance(key, str):
                    shown = shorten(repr(key), SHOWN_CHARACTERS)
                    raise _RefusedError(f"has the key {shown}, which is no text: quote it")
                _refuse_odd_values(value)
        case list():
            for value in values:
                _refuse_odd_values(value)
        case int() if values.bit_length() > MAX_NUMBER_BITS:
            raise _RefusedError(
                f"has a number of {values.bit_length():,} bits: write one of at most "
                f"{MAX_NUMBER_BITS} bits, or quote it"
            )


def _invalid(place: str, error: Exception) -> InputError:
    reason = (
        str(error) if isinstance(error, YAMLError | ValueError) else f"a tag is wrong ({error})"
    )
    # what follows is advice to programmers
    reason, _, _ = reason.replace('"<unicode string>", ', "").partition("To suppress this check")
    shown = shorten(" ".join(reason.split()), SHOWN_CHARACTERS)
    return InputError(f"{place} is no valid YAML: {shown}; correct it")


def shorten(text: str, characters: int) -> str:
    """Returns the text, or its beginning with an ellipsis if it is longer."""
    return text if len(text) <= characters else f"{text[:characters]}…"
