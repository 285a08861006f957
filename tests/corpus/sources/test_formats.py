"""Catalogs of each format: what the standard tools write, and damage to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.corpus.sources.document_samples import PO, PO_TEXTS, STRINGS, compiled
from tracelate.corpus.sources.formats.android import read_android, unescape
from tracelate.corpus.sources.formats.gettext import read_mo, read_po
from tracelate.corpus.sources.formats.json_catalogs import read_json_catalog
from tracelate.corpus.sources.formats.messages import CatalogReader, Message, Omitted
from tracelate.corpus.sources.formats.yaml_catalogs import read_yaml_catalog
from tracelate.errors import InputError


def read(
    reader: CatalogReader, content: str | bytes, omitted: Omitted | None = None
) -> list[Message]:
    data = content.encode() if isinstance(content, str) else content
    return list(reader(data, "file", omitted or Omitted()))


def test_po_is_read_without_what_is_fuzzy_or_obsolete() -> None:
    omitted = Omitted()
    found = read(read_po, PO, omitted)
    assert [(one.source, one.text) for one in found] == PO_TEXTS
    assert PO.splitlines()[int(found[0].place) - 1].startswith("#: contrib/admin")
    assert omitted.remarks("x") == [
        "x: 1 not read, since a translation is marked as unfinished (the first: file:37)"
    ]


def test_mo_has_the_messages_of_po_that_are_translated() -> None:
    found = {(one.source, one.text) for one in read(read_mo, compiled(PO))}
    assert found == {one for one in PO_TEXTS if one[1]}


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("charset", ["UTF-8", "ISO-8859-1"])
def test_po_is_read_in_its_own_encoding(charset: str, line_end: str) -> None:
    text = PO.replace("charset=UTF-8", f"charset={charset}").replace("…", "...")
    found = read(read_po, text.replace("\n", line_end).encode(charset))
    assert [(one.source, one.text) for one in found] == PO_TEXTS


def test_other_line_breaks_are_no_ends_of_lines_in_po() -> None:
    assert [one.text for one in read(read_po, 'msgid "a"\nmsgstr "b\u2028c\x85d"\n')] == [
        "b\u2028c\x85d"
    ]


@pytest.mark.parametrize("plural", [("%d ファイル",), ("a", "b"), ("a", "b", "c")])
def test_the_last_form_is_that_of_the_plural(plural: tuple[str, ...]) -> None:
    forms = "".join(f'msgstr[{n}] "{one}"\n' for n, one in enumerate(plural))
    found = read(read_po, f'msgid "one"\nmsgid_plural "many"\n{forms}')
    pairs = [(one.source, one.text) for one in found]
    assert pairs == [*([("one", plural[0])] if len(plural) > 1 else []), ("many", plural[-1])]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('msgid "a\nmsgstr "b"\n', "line 1, is no valid PO"),
        ('msgid "a"\nmsgstr b"\n', "line 2, is no valid PO"),
        ('msgid "a"\nmsgtsr "b"\n', "line 2, is no valid PO"),
        ("<xliff>\n", "line 1, is no valid PO"),
        ('msgid "a"\n"b"\nmsgid_plural "c"\nmsgid "d"\nmsgstr[0] "x"\n"y" "z"\n', "line 6, is no"),
        ('msgstr "b"\nmsgctxt "c"\nmsgstr[0] "d"\n', "is no valid PO .*line 1"),
        (PO.encode("latin-1", "replace"), "is no valid PO .*codec can't decode"),
    ],
)
def test_damaged_po_is_refused(text: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        read(read_po, text)
    assert "\n" not in str(error.value) and "/tmp" not in str(error.value)


def test_mo_whose_texts_overlap_is_refused_at_once() -> None:
    mo = bytearray(compiled(PO))
    count = int.from_bytes(mo[8:12], "little")
    ids = int.from_bytes(mo[12:16], "little")
    for number in range(count):
        mo[ids + 8 * number : ids + 8 * number + 8] = len(mo).to_bytes(4, "little") + bytes(4)
    with pytest.raises(InputError, match="its texts are longer than the file"):
        read(read_mo, bytes(mo))


@pytest.mark.parametrize("size", [0, 3, 19, 40, 200])
def test_mo_that_was_cut_is_refused(size: int) -> None:
    with pytest.raises(InputError, match="is no valid MO"):
        read(read_mo, compiled(PO)[:size])


def test_android_strings_have_their_escapes_resolved() -> None:
    omitted = Omitted()
    assert {one.keys: one.text for one in read(read_android, STRINGS, omitted)} == {
        ("panic", "string"): "Don't panic, %1$s!",
        ("quoted", "string"): "  two  blanks  ",
        ("cdata", "string"): '<a href="x">here</a>',
        ("files", "plurals", "one"): "a file",
        ("files", "plurals", "other"): "%d files",
        ("days", "string-array", "0"): "Monday",
        ("days", "string-array", "1"): "Tuesday",
    }
    assert len(omitted.remarks("")) == 2


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (r"a\nb\tc\\n", "a\nb\tc\\n"),
        ("  a \n\n b ", "a b"),
        (r"\@home \?who \"x\"", '@home ?who "x"'),
        (r"\ud83d\ude00 \ud83d", "\U0001f600 \ufffd"),
        ('"a', "a"),
        ("\\", "\\"),
        (r"\u12", "u12"),
    ],
)
def test_escapes_of_android(raw: str, text: str) -> None:
    assert unescape(raw) == text


ENTITIES = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))


def one_string(text: str, declarations: str) -> str:
    return f'<!DOCTYPE r [{declarations}]><resources><string name="a">{text}</string></resources>'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (STRINGS[:-20], "is no valid Android strings"),
        (STRINGS.replace("Monday", "&day;"), "Android strings .line 14: Entity 'day' not defined"),
        (one_string("&a11;", f'<!ENTITY a0 "lol">{ENTITIES}'), "Maximum entity amplification"),
        (
            one_string("&a;", '<!ENTITY a SYSTEM "file:///etc/passwd">'),
            "has the entity '&a;', which is not resolved",
        ),
        ("<a>" * 300 + '<string name="b">c</string>', "is no valid Android strings"),
        (one_string("x" * 11_000_000, ""), "is no valid Android strings"),
    ],
    ids=["cut", "unknown entity", "bomb", "external entity", "deep", "huge text"],
)
def test_damaged_or_hostile_xml_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        read(read_android, text)
    assert len(str(error.value)) < 500


def test_nested_messages_are_flattened_and_what_is_no_text_is_counted() -> None:
    omitted = Omitted()
    found = read(
        read_json_catalog,
        '{"a": {"b": "x", "n": 3, "l": ["y"]}, "none": null, "a::b": "z"}',
        omitted,
    )
    assert [(one.keys, one.text) for one in found] == [(("a", "b"), "x"), (("a::b",), "z")]
    assert omitted.remarks("x") == [
        "x: 3 not read, since a value is no text (the first: file:a::n)"
    ]


@pytest.mark.parametrize("text", ["", "{", '{"a": "\\ud83d"}', "[" * 100_000, b'{"a": "\xff"}'])
def test_damaged_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(InputError, match="is no valid JSON"):
        read(read_json_catalog, text)


def change(content: bytes, place: int, value: int) -> bytes:
    place %= len(content)
    return content[:place] + bytes([value]) + content[place + 1 :]


@pytest.mark.parametrize(
    ("reader", "content"),
    [
        (read_po, PO.encode()),
        (read_mo, compiled(PO)),
        (read_android, STRINGS.encode()),
        (read_json_catalog, b'{"": {"language": "es"}, "a": ["b", null], "c": {"d": 3}}'),
    ],
    ids=["PO", "MO", "Android", "JSON"],
)
def test_changed_bytes_give_messages_or_one_line(reader: CatalogReader, content: bytes) -> None:
    @given(st.integers(0, 10**6), st.integers(0, 255))
    def one_byte(place: int, value: int) -> None:
        check(change(content, place, value))

    @given(st.integers(0, 10**6), st.binary(max_size=9))
    def cut(place: int, more: bytes) -> None:
        check(content[: place % len(content)] + more)

    def check(changed: bytes) -> None:
        try:
            read(reader, changed)
        except InputError as error:
            assert "\n" not in str(error)

    one_byte()
    cut()


RAILS = """# Spanish
es:
  direction: ltr
  errors: &errors
    blank: 'no puede estar en blanco'   # a comment
    no: |
      varias
      líneas
  date:
    order: [day, month]
    precision: 2
  other:
    <<: *errors
"""


def test_yaml_is_read_below_its_language() -> None:
    omitted = Omitted()
    found = read(read_yaml_catalog, RAILS, omitted)
    assert [(one.place, one.text) for one in found] == [
        ("direction", "ltr"),
        ("errors::blank", "no puede estar en blanco"),
        ("errors::no", "varias\nlíneas\n"),
        ("other::blank", "no puede estar en blanco"),
        ("other::no", "varias\nlíneas\n"),
    ]
    assert omitted.remarks("x") == [
        "x: 2 not read, since a value is no text (the first: file:date::order)"
    ]


def test_yaml_without_a_language_keeps_its_keys() -> None:
    found = read(read_yaml_catalog, "messages:\n  lost: Falta\nother: Otro\n")
    assert [(one.keys, one.text) for one in found] == [
        (("messages", "lost"), "Falta"),
        (("other",), "Otro"),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"es:\n  a: b\n  a: c\n", 'found duplicate key "a"'),
        (b"es: [", "is no valid YAML"),
        (b"es:\n  404: Falta\n", "has the key 404, which is no text: quote it"),
        (b"es: !!python/object/apply:os.system [ls]", "is no valid YAML"),
        ("es: ñ".encode("latin-1"), "is not UTF-8"),
    ],
)
def test_damaged_yaml_is_refused_in_a_line(content: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=f"^file .*{reason}") as error:
        read(read_yaml_catalog, content)
    assert "\n" not in str(error.value)
