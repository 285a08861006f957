"""Catalogs of gettext: PO, and MO, which is PO compiled."""

from __future__ import annotations

import codecs
import re
import struct
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from tracelate.corpus.sources.formats.messages import FUZZY, Message, Omitted
from tracelate.errors import InputError

MAGIC = 0x950412DE
"""First four bytes of MO, in the order of bytes of the machine that wrote it."""
HEADER_BYTES = 20
LINE = re.compile(
    rb"[ \t]*(#.*|"
    rb"((msgctxt|msgid|msgid_plural|msgstr|msgstr\[\d\])?[ \t]*"
    rb'"([^"\\]|\\.)*"'
    rb")?[ \t]*\r?)"
)
"""A line of PO: a comment, or a keyword and a text, or either of both."""


def read_po(content: bytes, place: str, omitted: Omitted) -> Iterator[Message]:
    """Yields the messages of a PO file, whose places are their lines.

    Fuzzy messages are omitted; those that are obsolete are no part of the catalog. Raises
    InputError if the file is damaged.
    """
    _refuse_wrong_lines(content, place)
    for entry in _parsed(content, place, "PO"):
        if entry.obsolete:
            continue
        if entry.fuzzy:
            omitted.add(FUZZY, f"{place}:{entry.linenum}")
            continue
        yield from _messages(entry, str(entry.linenum))


def read_mo(content: bytes, place: str, omitted: Omitted) -> Iterator[Message]:
    """Yields the messages of an MO file, whose places are their numbers from 1.

    Raises InputError if the file is damaged.
    """
    _refuse_wrong_index(content, place)
    for number, entry in enumerate(_parsed(content, place, "MO"), start=1):
        yield from _messages(entry, str(number))


def _messages(entry: Any, place: str) -> Iterator[Message]:
    context = entry.msgctxt or ""
    for source, text in _forms(entry):
        yield Message((context, entry.msgid, source), text, place, source)


def _forms(entry: Any) -> Iterator[tuple[str, str]]:
    """Yields the texts of a message: singular with the first form, plural with the last.

    A language without plurals has one form, which is that of most numbers: the plural's.
    """
    forms: Mapping[int, str] = entry.msgstr_plural
    if not entry.msgid_plural:
        yield entry.msgid, entry.msgstr
    elif forms:
        if len(forms) > 1:
            yield entry.msgid, forms[min(forms)]
        yield entry.msgid_plural, forms[max(forms)]


def _parsed(content: bytes, place: str, kind: str) -> Any:
    # imported here: a packed model reads a provenance without it
    import polib

    # polib splits a text, unlike a file, at other line breaks too, such as U+2028
    with tempfile.NamedTemporaryFile(prefix="tracelate-") as file:
        file.write(content)
        file.flush()
        try:
            return polib.pofile(file.name) if kind == "PO" else polib.mofile(file.name)
        except (OSError, ValueError, LookupError, TypeError, AttributeError, struct.error) as error:
            raise InputError(
                f"{place} is no valid {kind} ({_reason(error, file.name)}): correct it, or name "
                "another file"
            ) from error


def _reason(error: Exception, name: str) -> str:
    reason = " ".join(str(error).replace(f"{name} ", "").replace(name, "it").split())
    return re.sub(r"\(line (\d+)\)", r"line \1", reason)[:200] or type(error).__name__


def _refuse_wrong_lines(content: bytes, place: str) -> None:
    """Raises InputError for a line that polib would leave out without a word."""
    for number, line in enumerate(content.removeprefix(codecs.BOM_UTF8).split(b"\n"), start=1):
        if not LINE.fullmatch(line):
            raise InputError(
                f"{place}, line {number}, is no valid PO ({line[:60]!r}): correct it; msgfmt shows "
                "all errors"
            )


def _refuse_wrong_index(content: bytes, place: str) -> None:
    """Raises InputError unless the texts of an MO file together fit into the file.

    Overlapping ones could have gigabytes.
    """
    try:
        order = "<" if struct.unpack_from("<I", content)[0] == MAGIC else ">"
        count, ids, texts = struct.unpack_from(f"{order}III", content, 8)
        lengths = sum(
            struct.unpack_from(f"{order}I", content, start + 8 * number)[0] + 1
            for start in (ids, texts)
            for number in range(min(count, len(content)))
        )
    except struct.error as error:
        raise InputError(
            f"{place} is no valid MO (it ends too early): compile it again, or name another file"
        ) from error
    if HEADER_BYTES + 16 * count + lengths > len(content):
        raise InputError(
            f"{place} is no valid MO (its texts are longer than the file): compile it again, or "
            "name another file"
        )
