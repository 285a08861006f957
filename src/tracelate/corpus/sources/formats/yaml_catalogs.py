"""YAML catalogs: texts by nested keys, as Ruby on Rails has them, below the code of the language.

es:
  errors:
    blank: no puede estar en blanco
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langcodes import tag_is_valid

from tracelate.corpus.sources.formats.json_catalogs import flatten
from tracelate.corpus.sources.formats.messages import Message, Omitted
from tracelate.errors import InputError
from tracelate.yaml_file import parse_yaml

MAX_VALUES = 200_000
"""Keys and texts of a file, with those that aliases repeat."""


def read_yaml_catalog(content: bytes, place: str, omitted: Omitted) -> Iterator[Message]:
    """Yields the messages of a catalog in YAML. Raises InputError if it is no valid YAML."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{place} is not UTF-8 ({error}): save it as UTF-8 text") from error
    for keys, message in flatten(
        _below_language(parse_yaml(text, place, MAX_VALUES)), place, omitted
    ):
        yield Message(keys, message, "::".join(keys))


def _below_language(values: Any) -> Any:
    """Returns the texts without the language above them, since it differs between catalogs."""
    if isinstance(values, dict) and len(values) == 1:
        [(key, texts)] = values.items()
        if isinstance(texts, dict) and tag_is_valid(str(key)):
            return texts
    return values
