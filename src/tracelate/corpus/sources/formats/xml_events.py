"""Reading of XML that may be made to harm its reader: no entities, no network, no huge texts.

Elements are read one after the other and removed, so that a file of any size takes little memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tracelate.errors import InputError

DROPPED = {"bpt", "ept", "it", "ut", "bx", "ex", "sc", "ec", "sm", "em"}
"""Inline elements of TMX and XLIFF that represent markup, and no text."""
PLACEHOLDERS = {"x", "ph"}
"""Inline elements that represent something in the text, such as a number."""
EQUIVALENTS = ("equiv-text", "equiv", "disp")
"""Attributes with the text of a placeholder."""


def read_elements(
    chunks: Iterable[bytes], place: str, names: Sequence[str], title: str
) -> Iterator[Any]:
    """Yields the elements of these names, in any namespace, and removes each afterwards.

    Raises InputError with the line if the content is no valid XML, in which case it is called a
    damaged `title`.
    """
    # imported here: a packed model reads a provenance without it
    from lxml import etree

    parser = etree.XMLPullParser(
        events=("end",),
        tag=[f"{{*}}{name}" for name in names],
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for chunk in chunks:
            parser.feed(chunk)
            for _, element in parser.read_events():
                yield element
                _remove(element)
        parser.close()
    except etree.LxmlError as error:
        log = parser.feed_error_log
        reason = f"line {log[0].line}: {log[0].message}" if log else str(error)
        reason = " ".join(reason.split())[:200]
        raise InputError(f"{place} is no valid {title} ({reason}): correct it") from error


def text_of(element: Any, place: str) -> str:
    """Returns the text of an element.

    Markup around a part of the text is left out. A placeholder becomes its own text or its
    equivalent, or else its name in braces. Raises InputError for an entity that the file defines.
    """
    return "".join(_parts(element, place))


def local_name(element: Any) -> str:
    """Returns the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def child(element: Any, name: str) -> Any:
    """Returns the first child of that name in any namespace, or None."""
    return element.find(f"{{*}}{name}")


def _parts(element: Any, place: str) -> Iterator[str]:
    yield element.text or ""
    for inner in element:
        if not isinstance(inner.tag, str):
            raise InputError(
                f"{place}, line {inner.getparent().sourceline}, has the entity {inner.text!a}, "
                "which is not resolved: write its text in its place"
            )
        name = local_name(inner)
        if name in PLACEHOLDERS:
            yield text_of(inner, place) or _equivalent(inner)
        elif name == "cp":
            yield _character(inner)
        elif name not in DROPPED:
            yield from _parts(inner, place)
        yield inner.tail or ""


def _equivalent(element: Any) -> str:
    for name in EQUIVALENTS:
        if value := element.get(name):
            return str(value)
    if reference := element.get("dataRef"):  # XLIFF 2
        for data in element.xpath("ancestor::*[local-name()='unit']/*/*[local-name()='data']"):
            if data.get("id") == reference:
                return "".join(data.itertext())
    return f"{{{element.get('id') or element.get('x') or ''}}}"


def _character(element: Any) -> str:
    """Returns the character that XML does not allow, which XLIFF 2 has as a number."""
    try:
        return chr(int(element.get("hex", ""), 16)).encode().decode()
    except (ValueError, OverflowError):
        return ""


def _remove(element: Any) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
