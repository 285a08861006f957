"""Times of pairs in tables of each kind."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tracelate.config import DocumentsConfig, HubConfig
from tracelate.corpus.pairs import TIME, Pair, joined, table_of
from tracelate.corpus.sources.documents import DocumentSource
from tracelate.corpus.sources.hub import HubSource
from tracelate.errors import InputError
from tracelate.text.times import show_time

VALUES = ["2024", "2023-05-06", "", "2022-01-01T10:00+01:00"]
TIMES = ["2024-01-01", "2023-05-06", None, "2022-01-01T09:00:00Z"]
NAMES = {"source": None, "target": None, "time": "date"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def documents(name: str, columns: dict[str, Any] = NAMES) -> pa.Table:
    settings = {"train": [name], "valid": None, "test": None, "licence": "x", "columns": columns}
    return DocumentSource(DocumentsConfig.model_validate(settings), "en", "es").read().splits["all"]


def shown(table: pa.Table) -> list[str | None]:
    values = table[TIME.name].cast(pa.int64()).to_pylist()
    return [None if one is None else show_time(one) for one in values]


def test_a_column_of_tsv_has_the_times() -> None:
    rows = "".join(f"a\t{value}\tb\n" for value in VALUES)
    Path("a.tsv").write_text(f"en\tdate\tes\n{rows}")
    table = documents("a.tsv")
    assert shown(table) == TIMES
    assert table.column_names == ["source", "target", "group", "origin", "time"]
    Path("b.tsv").write_text(rows)
    assert shown(documents("b.tsv", {"source": 1, "target": 3, "time": 2})) == TIMES


def test_a_column_of_csv_has_the_times() -> None:
    Path("a.csv").write_text("date,en,es\n" + "".join(f"{value},a,b\n" for value in VALUES))
    assert shown(documents("a.csv")) == TIMES


def test_a_key_of_json_has_the_times_also_beside_a_translation() -> None:
    lines: list[dict[str, Any]] = [
        {"en": "a", "es": "b", "date": 2024},
        {"translation": {"en": "a", "es": "b"}, "date": "2023-05-06"},
        {"en": "a", "es": "b"},
        {"en": "a", "es": "b", "date": "2022-01-01T10:00+01:00"},
    ]
    Path("a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert shown(documents("a.jsonl")) == TIMES


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.date32(), pa.timestamp("ns"), pa.timestamp("s", "Europe/Madrid"), pa.int64()],
    ids=str,
)
def test_a_column_of_parquet_has_the_times(kind: pa.DataType) -> None:
    days: list[Any] = [datetime.date(2024, 1, 1), datetime.date(2023, 5, 6)]
    if pa.types.is_string(kind):
        days = [str(day) for day in days]
    if pa.types.is_timestamp(kind):
        midnight = datetime.time(tzinfo=datetime.UTC if kind.tz else None)
        days = [datetime.datetime.combine(day, midnight) for day in days]
    if pa.types.is_int64(kind):
        days = [20240101, 20230506]
    column = pa.array([*days, None], kind)
    pq.write_table(pa.table({"en": ["a"] * 3, "es": ["b"] * 3, "date": column}), "a.parquet")
    assert shown(documents("a.parquet")) == ["2024-01-01", "2023-05-06", None]


@pytest.mark.parametrize("value", ["01/03/2024", "1709251200", "yesterday", "999999-01-01"])
@pytest.mark.parametrize("kind", ["tsv", "csv", "jsonl", "parquet"])
def test_a_value_that_is_no_time_is_refused_with_its_place(kind: str, value: str) -> None:
    match kind:
        case "tsv":
            Path("a.tsv").write_text(f"en\tdate\tes\na\t2024\tb\na\t{value}\tb\n")
        case "csv":
            Path("a.csv").write_text(f"en,date,es\na,2024,b\na,{value},b\n")
        case "jsonl":
            Path("a.jsonl").write_text(
                f'{{"en": "a", "es": "b"}}\n{{"en": "a", "es": "b", "date": "{value}"}}\n'
            )
        case _:
            pq.write_table(
                pa.table({"en": ["a"] * 2, "es": ["b"] * 2, "date": [None, value]}), "a.parquet"
            )
    place = "line 3" if kind in ("tsv", "csv") else "line 2" if kind == "jsonl" else "row 2"
    with pytest.raises(InputError, match=rf"{place}, has '{value}' in the column 'date', which is"):
        documents(f"a.{kind}")


def test_a_column_of_times_that_is_missing_is_refused() -> None:
    Path("a.tsv").write_text("en\tes\na\tb\n")
    with pytest.raises(InputError, match=r"a\.tsv has no column 'date', only 'en', 'es'"):
        documents("a.tsv")
    pq.write_table(pa.table({"en": ["a"], "es": ["b"]}), "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet has no column 'date', only 'en', 'es'"):
        documents("a.parquet")


@pytest.mark.parametrize("name", ["train.csv", "train.jsonl"])
def test_a_dataset_has_times(name: str) -> None:
    Path("set").mkdir()
    table = {"train.csv": "en,es,date\na,b,2024\n", "train.jsonl": '{"en": "a", "es": "b", "date": '
             '"2024-01-01"}\n'}  # fmt: skip
    Path("set", name).write_text(table[name])
    settings = {"name": "set", "revision": "main", "subset": None, "licence": "x", "columns": NAMES}
    corpus = HubSource(HubConfig.model_validate(settings), "en", "es").read()
    assert shown(corpus.splits["all"]) == ["2024-01-01"]


def test_times_of_pairs_beside_those_without_are_unknown() -> None:
    Path("a.tsv").write_text("en\tdate\tes\na\t2024\tb\n")
    table = joined([table_of([Pair("c", "d", "c", "e")]), documents("a.tsv")])
    assert shown(table) == [None, "2024-01-01"]


def test_columns_are_named_or_numbered_and_not_both() -> None:
    with pytest.raises(ValueError, match="give all columns a number, or none of them"):
        documents("a.tsv", {"source": 1, "target": 2, "time": "date"})
