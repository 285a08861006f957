r"""JSON catalogs: texts by nested keys, and the forms of gettext in JSON.

    {"config": {"error": {"cannot_connect": "Failed to connect"}}}
    {"locale_data": {"messages": {"": {"plural_forms": "…"}, "Open": ["Abrir"]}}}
    {"": {"language": "es"}, "menu\u0004Open": ["Abrir"]}

The second is Jed. Their keys are the texts, after a context; the first of their texts is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tracelate.corpus.sources.formats.messages import NO_TEXT, Keys, Message, Omitted
from tracelate.errors import InputError

CONTEXT = "\x04"
"""Character between the context of a message and its text in gettext's keys."""
HEADER = {"domain", "lang", "language", "plural_forms", "plural-forms", "Plural-Forms"}
"""Keys of the entry "" of a catalog of gettext."""


def read_json_catalog(content: bytes, place: str, omitted: Omitted) -> Iterator[Message]:
    """Yields the messages of a catalog in JSON. Raises InputError if it is no valid JSON."""
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place} is no valid JSON ({error}): name another file") from error
    for message in messages_of(values, place, omitted):
        try:
            "".join((*message.keys, message.text)).encode()
        except UnicodeEncodeError as error:  # JSON allows half a character
            raise InputError(f"{place} is no valid JSON ({error}): name another file") from error
        yield message


def messages_of(values: Any, place: str, omitted: Omitted) -> Iterator[Message]:
    """Yields the messages of a catalog's values in any of the three forms."""
    if isinstance(values, dict) and isinstance(domains := values.get("locale_data"), dict):
        for domain in domains.values():
            yield from _gettext_messages(domain, place, omitted)
    elif isinstance(values, dict) and _is_header(values.get("")):
        yield from _gettext_messages(values, place, omitted)
    else:
        for keys, text in flatten(values, place, omitted):
            yield Message(keys, text, "::".join(keys))


def flatten(
    values: Any, place: str, omitted: Omitted, keys: Keys = ()
) -> Iterator[tuple[Keys, str]]:
    """Yields every text with the keys that lead to it."""
    if isinstance(values, str):
        yield keys, values
    elif isinstance(values, dict):
        for key, value in values.items():
            yield from flatten(value, place, omitted, (*keys, key))
    else:
        omitted.add(NO_TEXT, f"{place}:{'::'.join(keys)}")


def _gettext_messages(values: Any, place: str, omitted: Omitted) -> Iterator[Message]:
    if not isinstance(values, Mapping):
        omitted.add(NO_TEXT, place)
        return
    # the first of several texts is that of the plural's key in Jed 0.5, and null without a plural
    has_plural_keys = any(
        isinstance(value, list) and len(value) > 1 and value[0] is None for value in values.values()
    )
    for number, (key, value) in enumerate(values.items(), start=1):
        if key == "":
            continue
        texts = value[1:] if has_plural_keys and isinstance(value, list) else value
        text = texts[0] if isinstance(texts, list) and texts else texts
        if text is None or text == []:
            text = ""
        if not isinstance(text, str):
            omitted.add(NO_TEXT, f"{place}:{number}")
            continue
        context, _, source = key.rpartition(CONTEXT)
        yield Message((context, source), text, str(number), source)


def _is_header(value: object) -> bool:
    if isinstance(value, str):
        return "Plural-Forms:" in value or "Content-Type:" in value
    return isinstance(value, dict) and not HEADER.isdisjoint(value)
