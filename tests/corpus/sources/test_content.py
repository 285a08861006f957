from __future__ import annotations

import pytest

from tracelate.corpus.sources import content
from tracelate.corpus.sources.content import Content, recognise

XML = '<?xml version="1.0" encoding="utf-8"?>\n'
PO = 'msgid ""\nmsgstr ""\n"Language: es\\n"\n\n#: a.py:3\nmsgid "Open"\nmsgstr "Abrir"\n'


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (XML + '<!-- by hand -->\n<xliff version="1.2">', content.XLIFF),
        (XML + '<ns0:xliff xmlns:ns0="urn:x">', content.XLIFF),
        (XML + '<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx version="1.4">', content.TMX),
        (XML + '<!DOCTYPE tmx [<!ENTITY a "b>">]>\n<tmx version="1.4">', content.TMX),
        ("\ufeff<tmx version='1.4'>", content.TMX),
        ("<!-- A licence -->\n<resources>\n", content.ANDROID),
        ("<!DOCTYPE html>\n<html>", content.HTML),
        (XML + "<rss>", content.XML),
        (PO, content.PO),
        (PO.replace("\n", "\r\n"), content.PO),
        ("# Spanish\n" + PO, content.PO),
        ('msgid "One"\nmsgid_plural "Many"\nmsgstr[0] "Uno"\n', content.PO),
        ('{"a": {"b": "c"}}', content.JSON),
        ('[\n  {"en": "a"}', content.JSON),
        ("1\n00:00:01,000 --> 00:00:02,500\nHello", content.SUBTITLES),
        ("\ufeff1\r\n0:00:01,0 --> 0:00:02,5\r\nHello\r\n", content.SUBTITLES),
        ("1 \n00:00:01.000-->00:00:02.500\nHello", content.SUBTITLES),
        ("[Script Info]\nTitle: Film\n", content.SUBTITLES),
        ("WEBVTT\n\n00:01.000 --> 00:04.000\nHello", content.SUBTITLES),
    ],
)
def test_text_of_other_formats_is_recognised(head: str, found: Content) -> None:
    assert recognise(head.encode()) == found


@pytest.mark.parametrize(
    "head",
    [
        "",
        "A door.\nA window.\n",
        "<b>Bold</b> text\n",
        "<!-- a comment that is a sentence -->\n",
        "{name} is open.\n",
        '["Yes", he said]\n',
        "[[File:a.png]]\n",
        'msgid is a word, and "msgstr" too\n',
        "1\n2\n3\n",
        "1\n10:30:00 --> 12:00\n",
        "[Script Info] is a section.\n",
        "id\ten\tes\n",
        "BZ is a name; PK too\n",
    ],
)
def test_plain_text_is_not_taken_for_anything_else(head: str) -> None:
    assert recognise(head.encode()) is None


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\x1f\x8b\x08\x00", content.GZIP),
        (b"\xfd7zXZ\x00\x00", content.XZ),
        (b"\x28\xb5\x2f\xfd\x04", content.ZSTD),
        (b"BZh91AY", content.BZIP2),
        (b"PK\x03\x04\x14", content.ZIP),
        (b"PAR1\x15", content.PARQUET),
        (b"\xde\x12\x04\x95\x00", content.MO),
        (b"%PDF-1.7\n", content.PDF),
        ("añb".encode("utf-16"), content.UTF_16),
        ("Text without a mark".encode("utf-16-le"), content.UTF_16),
        ("Text without a mark".encode("utf-16-be"), content.UTF_16),
        ("añb".encode("utf-32"), content.UTF_32),
        (b"text\0text", content.BINARY),
    ],
)
def test_bytes_that_are_no_text_are_recognised(head: bytes, found: Content) -> None:
    assert recognise(head) == found
