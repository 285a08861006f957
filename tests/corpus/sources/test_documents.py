from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.corpus.sources.document_samples import (
    PO,
    STRINGS,
    TMX,
    TMX_PAIRS,
    XLIFF,
    XLIFF_2,
    XLIFF_2_PAIRS,
    XLIFF_PAIRS,
    compiled,
)
from tests.corpus.sources.test_formats import change, one_string
from tracelate.config import DocumentsConfig, TableColumnsConfig
from tracelate.corpus.pairs import pairs_of
from tracelate.corpus.sources.documents import DocumentSource
from tracelate.corpus.sources.formats import documents
from tracelate.corpus.sources.source import Corpus
from tracelate.errors import InputError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, content: str | bytes) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return name


def source(
    train: Iterable[str],
    languages: tuple[str, str] = ("en", "es"),
    columns: tuple[str | int | None, str | int | None] = (None, None),
    **more: list[str],
) -> DocumentSource:
    config = DocumentsConfig(
        train=list(train),
        valid=more.get("valid"),
        test=more.get("test"),
        columns=TableColumnsConfig(source=columns[0], target=columns[1]),
        licence="CC0-1.0",
    )
    return DocumentSource(config, *languages)


def sides(corpus: Corpus) -> list[tuple[str, str]]:
    return [(one.source, one.target) for one in pairs_of(corpus.splits["all"])]


DOCUMENTS = {
    "a.tmx": (TMX, TMX_PAIRS),
    "a.xlf": (XLIFF, XLIFF_PAIRS),
    "a.xliff": (XLIFF_2, XLIFF_2_PAIRS),
    "a.tsv": ('en\tes\n"a\tNA\n', [('"a', "NA")]),
    "a.csv": ('es,en\n"b,",a\n', [("a", "b,")]),
    "a.jsonl": ('{"en": "a", "es": "b"}\n', [("a", "b")]),
}
FORMS = [
    (name, form)
    for name in DOCUMENTS
    for form in ("plain", "packed", "without a name")
    # separated values are known by their names alone
    if not (form == "without a name" and name.endswith("sv"))
]


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_a_document_of_each_format_is_read(name: str, form: str) -> None:
    content, pairs = DOCUMENTS[name]
    if form == "packed":
        name, data = f"{name}.gz", gzip.compress(content.encode(), mtime=0)
    else:
        name, data = name if form == "plain" else "document", content.encode()
    corpus = source([write(name, data)]).read()
    assert sides(corpus) == pairs
    assert all(one.origin.startswith(f"{name}:") for one in pairs_of(corpus.splits["all"]))
    assert corpus.provenance.model_dump()["files"]["all"][0]["name"] == name


@pytest.mark.parametrize(("content", "pairs"), [(TMX, TMX_PAIRS), (XLIFF, XLIFF_PAIRS)])
@pytest.mark.parametrize("name", ["document.xml", "a.tmx", "a.xlf"])
def test_xml_may_be_in_another_encoding(
    content: str, pairs: list[tuple[str, str]], name: str
) -> None:
    if name != "document.xml" and name[-3:] not in content:
        return
    text = content.replace('encoding="UTF-8"', "").replace("?>", ' encoding="utf-16"?>', 1)
    assert sides(source([write(name, text.encode("utf-16"))]).read()) == pairs


def test_parquet_and_gettext_are_read() -> None:
    pq.write_table(pa.table({"en": ["007"], "es": ["b"]}), "a.parquet")
    write("b.po", PO)
    write("c.mo", compiled(PO))
    corpus = source(["a.parquet", "b.po", "c.mo"]).read()
    assert sides(corpus)[0] == ("007", "b")
    assert sides(corpus).count(("May", "May.")) == 2
    assert ("Later", "") not in sides(corpus)


def test_strings_of_android_are_paired_by_name_with_those_of_the_first_language() -> None:
    write("res/values/strings.xml", STRINGS)
    spanish = STRINGS.replace("Don\\'t <b>panic</b>", "¡Calma!").replace("Monday", "Lunes")
    write("res/values-es/strings.xml", spanish)
    corpus = source(["res/values-{language}/strings.xml"]).read()
    assert ("Don't panic, %1$s!", "¡Calma!, %1$s!") in sides(corpus)
    assert ("Monday", "Lunes") in sides(corpus)
    names = [one["name"] for one in corpus.provenance.model_dump()["files"]["all"]]
    assert names == ["res/values-es/strings.xml", "res/values/strings.xml"]
    with pytest.raises(InputError, match=r"write \{language\} for its code in the path"):
        source(["res/values-es/strings.xml"]).read()


def test_catalogs_of_a_project_are_paired_by_group_and_key() -> None:
    for language, text in (("en", "Open"), ("es", "Abrir")):
        write(f"locales/{language}/menu.json", f'{{"open": "{text}"}}')
    corpus = source(["locales/{language}/{group}.json"]).read()
    (pair,) = pairs_of(corpus.splits["all"])
    assert pair == ("Open", "Abrir", "menu", "locales/es/menu.json:open")


def test_several_files_and_splits_are_read_once_each() -> None:
    write("one/a.tmx", TMX)
    write("one/two/b.xlf", XLIFF)
    write("c.tsv", "en\tes\nx\ty\n")
    corpus = source(["one/**/*", "one/a.tmx"], test=["c.tsv"]).read()
    assert {name: len(table) for name, table in corpus.splits.items()} == {"train": 4, "test": 1}
    provenance = corpus.provenance
    assert [file.name for file in provenance.files_on_disk({}, Path())] == [
        *("one/a.tmx", "one/two/b.xlf", "c.tsv")
    ]
    assert len(corpus.remarks) == 4  # one language missing, unfinished, no translation, marked


@pytest.mark.parametrize("languages", [("es", "en"), ("spa", "eng"), ("es", "en-US")])
def test_the_direction_and_the_form_of_codes_do_not_matter(languages: tuple[str, str]) -> None:
    found = sides(source([write("a.tmx", TMX)], languages).read())
    assert found == [(target, text) for text, target in TMX_PAIRS][: len(found)]
    if languages[1] != "en-US":
        assert sides(source([write("a.xlf", XLIFF)], languages).read())[0] == XLIFF_PAIRS[0][::-1]


DOCTYPE = '<!DOCTYPE tmx SYSTEM "tmx14.dtd">'
ENTITY = '<!DOCTYPE tmx [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tmx", TMX[:-60], "a.tmx is no valid TMX .line 1[0-9]: "),
        ("a.tmx", TMX.replace("Two &amp;", "Two &"), "a.tmx is no valid TMX .line 18: "),
        (
            "a.tmx",
            TMX.replace("One", "&x;"),
            "a.tmx, line 15, has the entity '&x;'",
        ),
        (
            "a.tmx",
            TMX.replace('<!DOCTYPE tmx SYSTEM "tmx14.dtd">', ENTITY).replace(
                "%s</seg>", "&a;</seg>"
            ),
            "a.tmx, line 9, has the entity '&a;', which is not resolved",
        ),
        ("a.tmx", XLIFF, "a.tmx has no unit with texts in 'en' and 'es'; its languages are none"),
        ("a.tmx", TMX.replace('"es"', '"de"'), "its languages are 'de', 'en', 'EN-US', 'fr'"),
        (
            "a.xlf",
            XLIFF.replace('"es"', '"fr"'),
            "line 8, translates 'en' to 'fr', not 'en'",
        ),
        ("a.xlf", XLIFF.replace("</group>", ""), "a.xlf is no valid XLIFF"),
        ("a.xlf", "", "a.xlf is no valid XLIFF"),
        ("a.xlf", "text\n", "a.xlf is no valid XLIFF"),
        ("a.xml", one_string("x", ""), r"write \{language\} for its code"),
        ("a.xml", "<?xml version='1.0'?><rss/>", "a.xml is XML: name a file of .tsv"),
        ("a.txt", "hello\n", "is no document that is recognised: .*download.corpus: files"),
        ("a.po", XLIFF, "a.po, line 1, is no valid PO"),
        ("a.tsv", XLIFF, "a.tsv is XLIFF, not plain text"),
        ("a.tsv", "en\tes\n", "a.tsv has no pair of 'en' and 'es'"),
        ("a.parquet", "PAR1", "is no whole parquet file"),
        ("a.zip", b"PK\x03\x04", "a.zip is a zip archive"),
        ("a.tmx.gz", gzip.compress(TMX.encode(), mtime=0)[:-9], "a.tmx.gz cannot be unpacked"),
    ],
)
def test_a_damaged_document_is_one_line(name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        source([write(name, content)]).read()
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize("path", ["no.tmx", "no/*.tmx", "no/{language}.json", "**x/*", "a[b"])
def test_a_path_without_files_is_refused(path: str) -> None:
    with pytest.raises(InputError, match=r"is missing|no file is like|is no pattern|has no file"):
        source([path]).read()


def test_too_large_and_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    write("a.po", PO)
    monkeypatch.setattr(documents, "MAX_CATALOG_BYTES", 100)
    with pytest.raises(InputError, match=r"a\.po has more than 100 bytes"):
        source(["a.po"]).read()
    monkeypatch.setattr("tracelate.corpus.sources.documents.MAX_FILES", 2)
    for number in range(3):
        write(f"{number}.tmx", TMX)
    with pytest.raises(InputError, match="more than 2 files are like"):
        source(["*.tmx"]).read()


def test_a_large_memory_is_read_piece_by_piece() -> None:
    unit = (
        "<tu><tuv xml:lang='en'><seg>a{0}</seg></tuv><tuv xml:lang='es'><seg>b{0}</seg></tuv></tu>"
    )
    units = "\n".join(map(unit.format, range(40_000)))
    begin = TMX.partition("<tu tuid")[0]
    corpus = source([write("a.tmx", f"{begin}{units}</body></tmx>")]).read()
    assert sides(corpus)[39_999] == ("a39999", "b39999")


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.tmx", TMX), ("a.xlf", XLIFF), ("b.xlf", XLIFF_2), ("a.tsv", "en\tes\na\tb\n"),
     ("a.csv", 'en,es\n"a",b\n'), ("a.jsonl", '{"en": "a", "es": "b"}\n')],
)  # fmt: skip
def test_changed_bytes_give_pairs_or_one_line(name: str, content: str) -> None:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.integers(0, 10**6), st.integers(0, 255), st.booleans())
    def changed(place: int, value: int, cut: bool) -> None:
        data = content.encode()
        write(name, data[: place % len(data)] if cut else change(data, place, value))
        try:
            source([name]).read()
        except InputError as error:
            assert "\n" not in str(error)

    changed()


def test_the_notes_of_dvc_are_no_documents() -> None:
    write("corpora/own/a.tmx", TMX)
    write("corpora/own/a.tmx.dvc", "outs:\n- path: a.tmx\n")
    assert sides(source(["corpora/own/*"]).read()) == TMX_PAIRS


@pytest.mark.parametrize("name", ["a.tsv", "a.tsv.gz", "a.txt", "without_an_end"])
def test_columns_by_number_are_those_of_tsv_without_a_line_of_names(name: str) -> None:
    text = b"7\tun perro\ta dog\n8\tun gato\ta cat\n"
    write(name, gzip.compress(text) if name.endswith("gz") else text)
    corpus = source([name], columns=(3, 2)).read()
    assert sides(corpus) == [("a dog", "un perro"), ("a cat", "un gato")]
    [first, _] = pairs_of(corpus.splits["all"])
    assert first.origin == f"{name}:1"


def test_a_number_that_no_column_has_and_a_row_of_another_width_are_refused() -> None:
    write("a.tsv", "a dog\tun perro\n")
    with pytest.raises(InputError, match=r"a\.tsv has 2 columns, and download\.documents\.columns"):
        source(["a.tsv"], columns=(1, 3)).read()
    write("a.tsv", "a dog\tun perro\na cat\n")
    with pytest.raises(InputError, match="line 2, has 1 columns in place of 2"):
        source(["a.tsv"], columns=(1, 2)).read()
    with pytest.raises(ValueError, match="give all columns a number, or none of them"):
        source(["a.tsv"], columns=(1, "es"))
