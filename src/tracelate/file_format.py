"""Formats of the files that later releases must read.

Each kind of file has a `FileFormat`: a class for the content of its current version, the version's
number, and for each older version a function that converts a document to the next one. Files
without a `format_version` have version 1, written by Tracelate 0.1. CHANGELOG.md has the version
policy.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tracelate.errors import InputError
from tracelate.files import parse_json, write_json
from tracelate.version import VERSION

Document = dict[str, Any]
Upgrade = Callable[[Document], Document]


class FileForm(BaseModel):
    """Base class for the content of a file: frozen, strict, finite, without unknown keys."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class PartForm(FileForm):
    """Base class for the part of a file that is read; other keys are ignored."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)


Form = TypeVar("Form", bound=FileForm)
Content = TypeVar("Content")
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=r"^\P{Cc}+$")]
"""A text of one line."""
Whole = Annotated[int, Field(ge=0, le=2**53)]
SHOWN_CHARACTERS = 300
"""Of the reason why a file is damaged."""


class FileFormat(NamedTuple, Generic[Form]):
    """Writes one kind of file, and reads all its versions."""

    name: str
    """Name in messages, such as config.json."""
    form: type[Form]
    upgrades: Sequence[Upgrade]
    """Conversions from version 1 to 2, from 2 to 3, and so on."""
    remedy: str
    """Remedy in messages about a missing or damaged file."""

    @property
    def version(self) -> int:
        """Number of the version that is written, the newest that can be read."""
        return len(self.upgrades) + 1

    def write(self, path: Path, value: Form) -> None:
        """Writes the file; the same value and version of Tracelate give the same bytes."""
        write_json(path, self.document(value))

    def document(self, value: Form) -> Document:
        return {
            "format_version": self.version,
            "tracelate_version": VERSION,
            **value.model_dump(mode="json"),
        }

    def read(self, path: Path, shown: str | None = None) -> Form:
        """Reads a file of any version. Messages call it `shown`, or by its path.

        Raises InputError if the file is missing, damaged or of a newer version.
        """
        place = shown or str(path)
        return self.parse(read_document(path, place, self.remedy), place)

    def parse(self, document: object, place: str) -> Form:
        """Reads a document of any version; `place` is its origin in messages.

        Raises InputError if it is damaged or of a newer version.
        """
        rest = dict(_json_object(document, place, self.remedy))
        found, written_by = rest.pop("format_version", 1), rest.pop("tracelate_version", None)
        if not isinstance(found, int) or isinstance(found, bool) or found < 1:
            reason = f"format_version is {found!r}, not a number from 1 on"
            raise InputError(f"{place} is damaged ({_short(reason)}): {self.remedy}")
        if found > self.version:
            author = _short(written_by or "of a later version")
            raise InputError(
                f"{place} was made by Tracelate {author} (format {found}, and {VERSION} reads up "
                f"to {self.version}): update Tracelate"
            )

        def upgraded(document: Document) -> Form:
            for upgrade in self.upgrades[found - 1 :]:
                document = upgrade(document)
            return self.form.model_validate_json(json_text(document))

        return checked(upgraded, rest, place, self.remedy)


def read_document(path: Path, place: str, remedy: str) -> Document:
    """Reads a JSON object, which messages call `place`.

    Raises InputError if the file is missing or damaged.
    """
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{place} is missing: {remedy}") from error
    except OSError as error:
        raise InputError(f"{place} cannot be read ({error.strerror}): {remedy}") from error
    try:
        document = parse_json(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place} is damaged ({_short(error)}): {remedy}") from error
    return _json_object(document, place, remedy)


def json_text(document: Document) -> str:
    """Returns JSON for pydantic, which accepts an array for a tuple in JSON alone.

    Raises ValueError for NaN and infinity, which are not JSON.
    """
    return json.dumps(document, allow_nan=False)


def checked(
    read: Callable[[Document], Content], document: Document, place: str, remedy: str
) -> Content:
    """Returns `read(document)`. Raises InputError, which calls it `place`, if `read` fails."""
    try:
        return read(document)
    except ValidationError as error:
        raise InputError(f"{place} is damaged ({first_error(error)}): {remedy}") from error
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        reason = _short(f"{type(error).__name__}: {error}")
        raise InputError(f"{place} is damaged ({reason}): {remedy}") from error


def unchanged(document: Document) -> Document:
    """Converts between two versions with the same content."""
    return document


def _json_object(document: object, place: str, remedy: str) -> Document:
    if not isinstance(document, dict):
        raise InputError(f"{place} is damaged (it is not a JSON object): {remedy}")
    return document


def first_error(error: ValidationError) -> str:
    """Returns the place and the reason of the first error."""
    first: Mapping[str, Any] = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    message = str(first["msg"]).removeprefix("Value error, ")
    return _short(f"{place}: {message}" if place else message)


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
