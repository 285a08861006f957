r"""String resources of Android: strings.xml, one a language.

<resources>
    <string name="greeting">Don\'t panic, <b>%1$s</b></string>
    <plurals name="files"><item quantity="one">%d file</item></plurals>
    <string-array name="days"><item>Monday</item></string-array>
</resources>
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tracelate.corpus.sources.formats.messages import MARKED, Keys, Message, Omitted
from tracelate.corpus.sources.formats.xml_events import local_name, read_elements, text_of

REFERENCE = re.compile(r"\s*[@?](\+?[\w.]+:)?\w+/[\w.]+\s*")
"""A name of another resource in place of a text."""
REFERS = "a text is the name of another resource"
_TOKEN = re.compile(r"\\u([0-9A-Fa-f]{4})|\\(.)|(\")|(\s+)|([^\\\"\s]+)|(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t"}


def read_android(content: bytes, place: str, omitted: Omitted) -> Iterator[Message]:
    """Yields the strings, the quantities of plurals and the items of arrays, by their names.

    Raises InputError if the content is no valid XML.
    """
    names = ["string", "plurals", "string-array"]
    for element in read_elements([content], place, names, "Android strings"):
        line = str(element.sourceline)
        if element.get("translatable") == "false":
            omitted.add(MARKED, f"{place}:{line}")
            continue
        for keys, one in _texts(element):
            raw = text_of(one, place)
            if REFERENCE.fullmatch(raw):
                omitted.add(REFERS, f"{place}:{line}")
            else:
                yield Message(keys, unescape(raw), line)


def unescape(raw: str) -> str:
    r"""Returns a text without the escapes of Android: `\'`, `\n`, `\u00e9`, and quotation marks.

    White space outside of quotation marks is one blank, and none at the ends.
    """
    parts: list[str] = []
    is_quoted = False
    for code, escaped, quote, space, text, other in _TOKEN.findall(raw):
        if quote:
            is_quoted = not is_quoted
        elif space and not is_quoted:
            if parts:
                parts.append(" ")
        elif code:
            parts.append(chr(int(code, 16)))
        elif escaped:
            parts.append(_ESCAPES.get(escaped, escaped))
        else:
            parts.append(space or text or other)
    if parts and parts[-1] == " " and not raw.endswith('"'):
        parts.pop()
    # two halves of a character beyond U+FFFF, and halves alone are replaced
    return "".join(parts).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _texts(element: Any) -> Iterator[tuple[Keys, Any]]:
    kind, name = local_name(element), element.get("name") or ""
    if kind == "string":
        yield (name, kind), element
        return
    for number, item in enumerate(element.iterfind("{*}item")):
        yield (name, kind, item.get("quantity") or str(number)), item
