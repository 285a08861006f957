from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tracelate.corpus.sources.formats.tables import (
    CSV,
    TSV,
    Columns,
    Rows,
    read_json_lines,
    read_parquet,
    read_separated,
)
from tracelate.errors import InputError

COLUMNS = Columns("en", "es", "download.hub")
Reader = Callable[[Path], Iterator[Rows]]


def tsv(path: Path) -> Iterator[Rows]:
    return read_separated(path, TSV, COLUMNS, [])


def quoted(path: Path) -> Iterator[Rows]:
    return read_separated(path, CSV, COLUMNS, [])


def json_lines(path: Path) -> Iterator[Rows]:
    return read_json_lines(path, COLUMNS)


def rows(path: Path, read: Reader, text: str) -> list[tuple[str, str, int]]:
    path.write_text(text, newline="")
    return [
        row
        for part in read(path)
        for row in zip(*(column.to_pylist() for column in part[:3]), strict=True)
    ]


@pytest.mark.parametrize(
    ("read", "text", "found"),
    [
        (tsv, 'id\ten\tes\n1\t"a\tNA\r\n\n2\t\tb "c"', [('"a', "NA", 2), ("", 'b "c"', 4)]),
        (
            quoted,
            'es,en\nNA,"a ""b"", c"\r\n\nx,"l\nm"\n',
            [('a "b", c', "NA", 2), ("l\nm", "x", 4)],
        ),
        (
            json_lines,
            '{"en": "a", "es": "NA"}\n\n{"es": null, "more": 3}\n{"translation": {"en": "a"}}',
            [("a", "NA", 1), ("", "", 3), ("a", "", 4)],
        ),
    ],
)
def test_rows_have_their_texts_as_they_are_and_their_lines(
    tmp_path: Path, read: Reader, text: str, found: list[tuple[str, str, int]]
) -> None:
    assert rows(tmp_path / "table", read, text) == found


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (tsv, "en\tes\na\tb\na\tb\tc\n", "line 3, has 3 columns in place of 2"),
        (tsv, "en\tes\na\n", "line 2, has 1 columns in place of 2"),
        (tsv, "de\tes\na\tb\n", "has no column 'en', only 'de', 'es': name the columns in"),
        (tsv, "en\tes\ten\na\tb\tc\n", "has the column 'en' twice"),
        (quoted, 'en,es\n"a,b\n', r"line 2, is no valid CSV \(unexpected end of data\)"),
        (quoted, 'en,es\nx,y\n"a" b,c\n', "line 3, is no valid CSV"),
        (quoted, "en,es\na,b,c\n", "line 2, has 3 columns in place of 2"),
        (quoted, 'en,es\n"a,b\nc,d\ne",f\n', "lines 2 to 4, would be one row"),
        (json_lines, '{"en": "a", "es": 7}\n', r"line 1, has a number \('7'\) in the column 'es'"),
        (json_lines, '{"en": "a"}\n{"en": \n', "line 2, is no valid JSON"),
        (json_lines, "[1]\n", "line 1, is a list, not an object"),
        (json_lines, '{"de": "a"}\n', "line 1, has no column 'en', only 'de'"),
        (json_lines, '{"en": "\\ud83d", "es": "a"}\n', "has a character that is incomplete"),
        (tsv, '<?xml version="1.0"?>\n<tmx version="1.4">\n', "is TMX, not plain text"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(
    tmp_path: Path, read: Reader, text: str, message: str
) -> None:
    with pytest.raises(InputError, match=message) as error:
        rows(tmp_path / "table", read, text)
    assert "\n" not in str(error.value)


def test_rows_of_several_lines_are_counted(tmp_path: Path) -> None:
    remarks: list[str] = []
    path = tmp_path / "a.csv"
    path.write_text('en,es\n"a\nb",c\nd,"e\nf\n"\n')
    assert len(next(read_separated(path, CSV, COLUMNS, remarks)).sources) == 2
    assert not remarks
    list(read_separated(path, CSV, COLUMNS, remarks))
    assert "rows with several lines: 2, of 3 at most (the first at line 2)" in remarks[0]


def write_parquet(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]
)
def test_texts_of_every_type_are_read_from_parquet(tmp_path: Path, kind: pa.DataType) -> None:
    path = write_parquet(
        tmp_path / "a",
        en=pa.array(["007", None, "NA"]).cast(kind),
        es=["a", "b", "c"],
        id=[1, 2, 3],
    )
    (part,) = read_parquet(path, COLUMNS)
    assert part.sources.to_pylist() == ["007", "", "NA"]
    assert part.places.to_pylist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pa.array([None, 7]), r"row 2, has a number \('7'\) in the column 'es'"),
        (pa.array([["a"], ["b"]]), "row 1, has a list"),
        (pa.array([b"a", b"b"]), "row 1, has a value of the type bytes"),
    ],
)
def test_values_of_parquet_that_are_no_text_are_refused(
    tmp_path: Path, values: pa.Array, message: str
) -> None:
    path = write_parquet(tmp_path / "a", en=["x", "y"], es=values)
    with pytest.raises(InputError, match=message):
        list(read_parquet(path, COLUMNS))


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a", en=["x"], es=["y"])
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match="is no whole parquet file"):
        list(read_parquet(path, COLUMNS))
