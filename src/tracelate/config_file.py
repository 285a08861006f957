"""Reading of a settings file, with messages that name each wrong key and the remedy."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tracelate.config_section import Reason, Section
from tracelate.errors import InputError
from tracelate.yaml_file import read_yaml, shorten

SectionT = TypeVar("SectionT", bound=Section)
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 60


SHOWN_VALUE = 60
"""Characters of a wrong value in messages."""
LISTED_ERRORS = 10
"""Number of wrong keys that a message lists."""


def read_settings(path: Path, kind: type[SectionT]) -> SectionT:
    """Reads a YAML file with the settings of `kind`.

    Raises InputError if the file cannot be read, or does not have those settings; the message names
    the wrong keys with their values and the remedy.
    """
    values = read_yaml(path, "run this at the project's root")
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise InputError(
            f"{path}: {explain_errors(error.errors(include_url=False), kind)}"
        ) from error


def explain_errors(errors: Sequence[ErrorDetails], kind: type[Section]) -> str:
    """Returns one line about the wrong settings of a section of that kind."""
    shown = [_explain(one, kind) for one in errors[:LISTED_ERRORS]]
    if len(errors) > LISTED_ERRORS:
        shown.append(f"and {len(errors) - LISTED_ERRORS} more")
    return "; ".join(shown)


def _explain(error: ErrorDetails, kind: type[Section]) -> str:
    if not error["loc"] and error["type"] == "model_type":
        return (
            f"sections with settings are missing, and there is {_shown(error['input'])}: add them"
        )
    place = ".".join(_shown_key(part) for part in error["loc"] if part != "[key]")
    match error["type"]:
        case "missing":
            return f"{place} is missing: add it"
        case "extra_forbidden":
            return f"{place} is not a setting: {_suggest(error['loc'], kind)}"
        case "value_error":
            return f"{place}: {error['msg'].removeprefix('Value error, ')}"
        case _:
            message = error["msg"].removeprefix("Input ")
            return f"{place} is {_shown(error['input'])}: {message}{_advice(error, kind)}"


def _shown_key(key: int | str) -> str:
    text = str(key)
    return shorten(text if text.isprintable() else repr(text), SHOWN_VALUE)


def _shown(value: object) -> str:
    match value:
        case None:
            return "null"
        case date():
            return f"the date {value}"
        case bytes() | set():
            return f"of the type {type(value).__name__}"
        case _:
            # `repr` of all of a long value could take gigabytes
            return shorten(_REPR.repr(value), SHOWN_VALUE)


def _advice(error: ErrorDetails, kind: type[Section]) -> str:
    if error["type"] == "string_type" and isinstance(error["input"], int | float | date):
        return "; quote it"
    if error["type"] in ("less_than", "less_than_equal", "greater_than", "greater_than_equal"):
        field = _section_at(error["loc"], kind).model_fields.get(str(error["loc"][-1]))
        reasons = [one.text for one in field.metadata if isinstance(one, Reason)] if field else []
        return "".join(f", {text}" for text in reasons)
    return ""


def _suggest(place: tuple[int | str, ...], kind: type[Section]) -> str:
    known = list(_section_at(place, kind).model_fields)
    close = difflib.get_close_matches(str(place[-1])[:SHOWN_VALUE], known, n=1)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"


def _section_at(place: tuple[int | str, ...], kind: type[Section]) -> type[BaseModel]:
    """Returns the innermost section on the way to a place."""
    section: type[BaseModel] = kind
    for name in place[:-1]:
        if isinstance(name, int):  # the place in a list, whose sections are the field's
            continue
        field = section.model_fields.get(str(name))
        if field is None:  # the key of a mapping, whose sections are the field's
            continue
        kinds = (field.annotation, *get_args(field.annotation))
        inner = [one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)]
        if not inner:
            break
        section = inner[0]
    return section
