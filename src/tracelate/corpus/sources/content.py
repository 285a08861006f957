"""Recognition of what a file is by its first bytes, whatever its name."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

HEAD_BYTES = 64 * 1024
"""Number of bytes from the beginning of a file that decide what it is."""
UNPACK = "unpack it"
CONVERT = "save it as UTF-8 text"
DOCUMENT = "name it in download.documents, with download.corpus: documents"


class Content(NamedTuple):
    """A kind of file that is not plain text."""

    title: str
    """Name in messages."""
    remedy: str
    """Way to use such a file."""


GZIP = Content("gzip", UNPACK)
XZ = Content("xz", UNPACK)
ZSTD = Content("zstd", UNPACK)
BZIP2 = Content("bzip2", UNPACK)
ZIP = Content("a zip archive (or a file of an office program)", "unpack it, and name its text")
PARQUET = Content("parquet", DOCUMENT)
ARROW = Content("Arrow", "save it as parquet")
MO = Content("gettext MO", DOCUMENT)
PDF = Content("PDF", CONVERT)
UTF_16 = Content("UTF-16", CONVERT)
UTF_32 = Content("UTF-32", CONVERT)
BINARY = Content("no text (it has a NUL byte)", CONVERT)
TMX = Content("TMX", DOCUMENT)
XLIFF = Content("XLIFF", DOCUMENT)
ANDROID = Content("Android string resources (XML)", DOCUMENT)
HTML = Content("HTML", CONVERT)
XML = Content("XML", "name a TMX or XLIFF file, Android string resources, or plain text")
PO = Content("gettext PO", DOCUMENT)
JSON = Content("JSON", DOCUMENT)
SUBTITLES = Content(
    "subtitles (SubRip, WebVTT or SubStation Alpha)",
    "two languages have other cues, so align their sentences with a tool for subtitles, and save "
    "these as text, one a line",
)

_BEGINNINGS = {
    b"\x1f\x8b": GZIP,
    b"\xfd7zXZ\0": XZ,
    b"\x28\xb5\x2f\xfd": ZSTD,
    b"BZh": BZIP2,
    b"PK\x03\x04": ZIP,
    b"PK\x05\x06": ZIP,
    b"PAR1": PARQUET,
    b"ARROW1": ARROW,
    b"\xde\x12\x04\x95": MO,
    b"\x95\x04\x12\xde": MO,
    b"%PDF-": PDF,
    codecs.BOM_UTF32_LE: UTF_32,
    codecs.BOM_UTF32_BE: UTF_32,
    codecs.BOM_UTF16_LE: UTF_16,
    codecs.BOM_UTF16_BE: UTF_16,
}
"""Contents by the bytes that they begin with; the first that fits counts."""
_ROOTS = {"tmx": TMX, "xliff": XLIFF, "resources": ANDROID, "html": HTML}
"""Contents of XML by the name of the root element."""
_XML = re.compile(r"\s*<(\?xml|!DOCTYPE)", re.IGNORECASE)
_COMMENT = re.compile(r"\s*<!--")
_ROOT = re.compile(r"<(?:[\w.-]+:)?([A-Za-z][\w.-]*)[\s>/]")
_BARE_ROOT = re.compile(r"\s*<(?:[\w.-]+:)?(tmx|xliff|resources|html)[\s>]", re.IGNORECASE)
_DECLARATION = re.compile(r"<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>", re.DOTALL)
_PO = re.compile(r'^msgid(_plural)?[ \t]+".*\n("[^\n]*\n)*msg(str|id_plural)', re.MULTILINE)
_JSON = re.compile(r'\s*(\{\s*"(?:[^"\\\n]|\\.)*"\s*:|\[\s*\{\s*"(?:[^"\\\n]|\\.)*"\s*:)')
_SUBTITLES = re.compile(
    r"\s*(WEBVTT\b|\[Script Info\]\n|\d+\s*\n\d{1,2}:\d\d:\d\d[,.]\d{1,3} *--> *\d)"
)


def recognise(head: bytes) -> Content | None:
    """Returns the content of a file that begins with `head`; None for plain text and tables."""
    for beginning, kind in _BEGINNINGS.items():
        if head.startswith(beginning):
            return kind
    if b"\0" in head:
        evens, odds = head[::2].count(0), head[1::2].count(0)
        return UTF_16 if max(evens, odds) > len(head) / 8 > 4 * min(evens, odds) else BINARY
    text = head.removeprefix(codecs.BOM_UTF8).decode("utf-8", errors="replace")
    text = text.replace("\r\n", "\n")
    if bare := _BARE_ROOT.match(text):
        return _ROOTS[bare[1].lower()]
    if (is_xml := _XML.match(text)) or _COMMENT.match(text):
        root = _ROOT.search(_DECLARATION.sub("", text))
        if (content := _ROOTS.get(root[1].lower()) if root else None) or is_xml:
            return content or XML
    if _PO.search(text):
        return PO
    if _JSON.match(text):
        return JSON
    return SUBTITLES if _SUBTITLES.match(text) else None
