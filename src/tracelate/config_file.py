"""Reading of a settings file, with messages that name each wrong key and the remedy."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tracelate.config_section import Section
from tracelate.errors import InputError

SectionT = TypeVar("SectionT", bound=Section)


def read_settings(path: Path, kind: type[SectionT]) -> SectionT:
    """Reads a YAML 1.2 file, as DVC does: `no` is the text "no", and `1e-3` is a number.

    Raises InputError if the file is missing, is not YAML, or does not have the settings of `kind`;
    the message names every wrong key with its value and the remedy.
    """
    try:
        # pure: the C loader follows YAML 1.1
        values = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: run this at the project's root") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no valid YAML: {' '.join(str(error).split())}") from error
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        wrong = [explain(str(path), one, kind) for one in error.errors()]
        raise InputError("; ".join(wrong)) from error


def explain(source: str, error: ErrorDetails, kind: type[Section]) -> str:
    """Returns the wrong key of the `source` with its value and the remedy, for messages."""
    place = ".".join(str(part) for part in error["loc"])
    where = f"{source}: {place}" if place else source
    match error["type"]:
        case "missing":
            return f"{where} is missing: add it"
        case "extra_forbidden":
            return f"{where} is not a setting: {_suggest(error['loc'], kind)}"
        case "value_error":
            return f"{where}: {error['msg'].removeprefix('Value error, ')}"
        case _:
            return f"{where} is {error['input']!r}: {error['msg'].removeprefix('Input ')}"


def _suggest(place: tuple[int | str, ...], kind: type[Section]) -> str:
    section: type[BaseModel] = kind
    for name in place[:-1]:
        annotation = section.model_fields[str(name)].annotation
        kinds = [one for one in (annotation, *get_args(annotation)) if isinstance(one, type)]
        section = next(one for one in kinds if issubclass(one, BaseModel))
    known = list(section.model_fields)
    close = difflib.get_close_matches(str(place[-1]), known, n=1)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
