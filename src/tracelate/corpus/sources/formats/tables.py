"""Tables with a column a side: TSV, CSV, JSON lines and parquet.

No value has a special meaning: `None`, `NA` and `007` stay the texts that they are. TSV has no
quoting, as in most corpora: a line is a row, and a `"` is a character. CSV is quoted by RFC 4180.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tracelate.config import TableColumnsConfig
from tracelate.corpus.sources.content import JSON
from tracelate.corpus.sources.formats.times import column_of_times, parsed_times
from tracelate.corpus.sources.text_blocks import read_line_lists
from tracelate.errors import InputError
from tracelate.files import parse_json

MISSING = "put it there, see corpora/README.md"
MIN_MERGED_LINES = 3
"""Number of lines from which on a row of CSV is refused if each of them looks like a row."""
BATCH_ROWS = 10_000
SHOWN_VALUE = 60


class Columns(NamedTuple):
    """Names of the columns that are read."""

    source: str
    target: str
    setting: str
    """The section of the settings that names them, for messages."""
    numbers: tuple[int, ...] | None = None
    """Numbers of the columns, counted from 1, in TSV files without a line of names. The names are
    then the numbers as text."""
    time: str | None = None
    """Column with the time of each pair."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of source, target and, if one is named, time."""
        return (*self[:2], *([] if self.time is None else [self.time]))


def columns_of(config: TableColumnsConfig, source: str, target: str, setting: str) -> Columns:
    """Returns the columns that the settings name; by default, they are called as the languages."""
    time = None if config.time is None else str(config.time)
    numbers = tuple(
        one for one in (config.source, config.target, config.time) if isinstance(one, int)
    )
    return Columns(
        str(config.source or source), str(config.target or target), setting, numbers or None, time
    )


class Rows(NamedTuple):
    """Rows of a table that follow each other."""

    sources: pa.Array
    targets: pa.Array
    """Texts; "" where a row has none."""
    places: pa.Array
    """Line of each row; of parquet, its number from 1."""
    times: pa.Array | None = None
    """Time of each row, null where it has none; None if no column of times is named."""


class CsvForm(NamedTuple):
    """The form of a table of separated values."""

    delimiter: str
    quote: str | None
    """None: a quotation mark is a character as any other."""
    names: Sequence[str] | None = None
    """Names of the columns; None: the first line has them."""


_Row = tuple[str, str, int, object]
"""Source, target, line, and the value of the column of times."""
TSV = CsvForm("\t", None)
CSV = CsvForm(",", '"')


def read_separated(
    path: Path, form: CsvForm, columns: Columns, remarks: list[str]
) -> Iterator[Rows]:
    """Yields the rows of a TSV or CSV file, UTF-8 and perhaps packed.

    Raises InputError with the line of a row that has another number of columns than the first, or
    whose quotation marks are wrong. Rows that have several lines are counted in `remarks`.
    """
    if form.quote is None:
        yield from _read_unquoted(path, form, columns)
    else:
        yield from _read_quoted(path, form, columns, remarks)


def read_json_lines(path: Path, columns: Columns) -> Iterator[Rows]:
    """Yields the rows of a file with a JSON object a line. Keys may differ from line to line.

    Raises InputError with the line of what is no object, or has a value that is no text.
    """
    number = 0
    for lines in read_line_lists(path, MISSING, JSON):
        texts: list[_Row] = []
        for line in lines:
            number += 1
            if not line.strip():
                continue
            place = f"{path}, line {number},"
            try:
                row = parse_json(line)
            except (ValueError, RecursionError) as error:
                raise InputError(
                    f"{place} is no valid JSON ({error}): write an object a line"
                ) from error
            if not isinstance(row, dict):
                raise InputError(f"{place} is {_kind(row)}, not an object: write an object a line")
            inner = row.get("translation")
            if not isinstance(inner, dict) or columns.source in row:
                inner = row
            if columns.source not in inner and columns.target not in inner:
                raise _no_column(f"{place} has", columns.source, list(inner), columns)
            source, target = (text_of(inner.get(one), place, one) for one in columns[:2])
            texts.append((source, target, number, row.get(columns.time or "")))
        if texts:
            place = f"{path}, lines {number - len(lines) + 1} to {number},"
            yield _rows(texts, place, path, columns)


def read_parquet(path: Path, columns: Columns) -> Iterator[Rows]:
    """Yields the rows of a parquet file. Raises InputError as `texts_of` does."""
    if not path.is_file():
        raise InputError(f"{path} is missing: {MISSING}")
    try:
        file = pq.ParquetFile(path)
        number = 1
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            batch.validate(full=True)
            places = pa.array(range(number, number + batch.num_rows))
            table = pa.Table.from_batches([batch])
            sources, targets = texts_of(table, columns, str(path), number)
            times = times_of(table, columns, str(path), number)
            yield Rows(
                sources.combine_chunks(),
                targets.combine_chunks(),
                places,
                None if times is None else times.combine_chunks(),
            )
            number += batch.num_rows
    except InputError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path} is no whole parquet file: name another one") from error


def texts_of(
    table: pa.Table, columns: Columns, place: str, first: int = 1
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Returns the two columns of a table, which may lie in a struct `translation`, as texts.

    A value that is missing becomes "". Raises InputError if a column is missing, and with its row,
    counted from `first`, for a value that is no text.
    """
    names: Sequence[str] = table.column_names
    found = {name: table[name] for name in columns[:2] if name in names}
    if "translation" in names and len(found) < 2:
        inner = table["translation"]
        if pa.types.is_struct(inner.type):
            names = [field.name for field in inner.type]
            found = {name: pc.struct_field(inner, name) for name in columns[:2] if name in names}
        elif _is_json(inner.type):
            names, found = _fields_of_json(inner, columns, place, first)
    for name in columns[:2]:
        if name not in found:
            raise _no_column(f"{place} has", name, names, columns)
    source, target = (_as_text(found[name], name, place, first) for name in columns[:2])
    return source, target


def times_of(
    table: pa.Table, columns: Columns, place: str, first: int = 1
) -> pa.ChunkedArray | None:
    """Returns the times of the rows of a table; None if no column of times is named.

    Raises InputError if the column is missing, and with its row for a value that is no time.
    """
    if columns.time is None:
        return None
    if columns.time not in table.column_names:
        raise _no_column(f"{place} has", columns.time, table.column_names, columns)
    return column_of_times(table[columns.time], columns.time, place, first)


def text_of(value: object, place: str, column: str) -> str:
    """Returns a text, or "" for None. Raises InputError for anything else."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(
            f"{place} has {_kind(value)} ({str(value)[:SHOWN_VALUE]!a}) in the column {column!r}, "
            "not a text: quote it, or name another column"
        )
    return value


def _read_unquoted(path: Path, form: CsvForm, columns: Columns) -> Iterator[Rows]:
    places: tuple[int, ...] | None = None
    width, number = 0, 0
    for lines in read_line_lists(path, MISSING):
        first = number + 1
        number += len(lines)
        if places is None:
            width, places, has_names = _unquoted_columns(path, form, columns, lines[0])
            if has_names:
                lines.pop(0)
                first += 1
        parts = pc.split_pattern(pa.array(lines, pa.string()), form.delimiter)
        numbers = pa.array(range(first, number + 1))
        widths = pc.list_value_length(parts)
        if not pc.all(pc.equal(widths, width)).as_py():
            empty = pc.equal(pa.array(lines, pa.string()), "")
            wrong = pc.and_(pc.not_equal(widths, width), pc.invert(empty))
            if pc.any(wrong).as_py():
                index = pc.index(wrong, True).as_py()
                raise _wrong_width(path, numbers[index].as_py(), widths[index].as_py(), width)
            parts, numbers = parts.filter(pc.invert(empty)), numbers.filter(pc.invert(empty))
        if len(parts):
            source, target, *times = (pc.list_element(parts, one) for one in places)
            yield Rows(
                source,
                target,
                numbers,
                _times(times[0].to_pylist(), numbers.to_pylist(), path, columns) if times else None,
            )


def _unquoted_columns(
    path: Path, form: CsvForm, columns: Columns, line: str
) -> tuple[int, tuple[int, ...], bool]:
    """Returns the number of columns, the places of those that are read, and if the first line has
    names.
    """
    cells = line.split(form.delimiter)
    if columns.numbers is None:
        names = form.names or cells
        return len(names), _positions(names, columns, path), form.names is None
    if len(cells) < max(columns.numbers):
        raise InputError(
            f"{path} has {len(cells)} columns, and {columns.setting}.columns names column "
            f"{max(columns.numbers)}: correct the numbers"
        )
    return len(cells), tuple(number - 1 for number in columns.numbers), False


class _RecordedLines:
    """Lines for the parser of CSV, and those of the row that it reads."""

    def __init__(self, path: Path) -> None:
        self._lists = read_line_lists(path, MISSING)
        self.row: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for lines in self._lists:
            for line in lines:
                self.row.append(line)
                yield line + "\n"


def _read_quoted(path: Path, form: CsvForm, columns: Columns, remarks: list[str]) -> Iterator[Rows]:
    lines = _RecordedLines(path)
    reader = csv.reader(lines, delimiter=form.delimiter, quotechar=form.quote, strict=True)
    names = list(form.names) if form.names else None
    positions = _positions(names, columns, path) if names else None
    texts: list[_Row] = []
    long_rows, longest, first_long, number = 0, 0, 0, 0
    while True:
        number = reader.line_num + 1
        lines.row = []
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise InputError(
                f'{path}, line {number}, is no valid CSV ({error}): a text with `"` needs '
                'quotation marks around it and `""` for each of its own; or save it as TSV'
            ) from error
        if row is None:
            break
        if not row:
            continue
        if names is None or positions is None:
            names, positions = row, _positions(row, columns, path)
            continue
        if len(row) != len(names):
            raise _wrong_width(path, number, len(row), len(names))
        if len(lines.row) > 1:
            _refuse_merged(path, number, lines.row, form.delimiter, len(names))
            long_rows, first_long = long_rows + 1, first_long or number
            longest = max(longest, len(lines.row))
        source, target, *time = (row[position] for position in positions)
        texts.append((source, target, number, time[0] if time else None))
        if len(texts) == BATCH_ROWS:
            yield _rows(texts, str(path), path, columns)
            texts = []
    if texts:
        yield _rows(texts, str(path), path, columns)
    if long_rows:
        remarks.append(
            f"{path}: rows with several lines: {long_rows:,}, of {longest} at most (the first at "
            f'line {first_long}); if its texts have one line each, a `"` in them is not doubled'
        )


def _refuse_merged(path: Path, number: int, lines: list[str], delimiter: str, width: int) -> None:
    """Raises InputError if a row with several lines seems to be as many rows."""
    if len(lines) >= MIN_MERGED_LINES and all(line.count(delimiter) == width - 1 for line in lines):
        raise InputError(
            f"{path}, lines {number} to {number + len(lines) - 1}, would be one row, because a "
            'text begins with `"`: put quotation marks around it and double its own, or save it '
            "as TSV, which has no quoting"
        )


def _positions(names: Sequence[str], columns: Columns, path: Path) -> tuple[int, ...]:
    for name in columns.names:
        if name not in names:
            raise _no_column(f"{path} has", name, names, columns)
        if list(names).count(name) > 1:
            raise InputError(f"{path} has the column {name!r} twice: rename one of them")
    return tuple(list(names).index(name) for name in columns.names)


def _no_column(start: str, name: str, names: Sequence[str], columns: Columns) -> InputError:
    known = ", ".join(repr(one[:SHOWN_VALUE]) for one in list(names)[:20]) or "none"
    return InputError(
        f"{start} no column {name!r}, only {known}: name the columns in {columns.setting}.columns, "
        "or change download.source_language or target_language"
    )


def _wrong_width(path: Path, number: int, found: int, width: int) -> InputError:
    return InputError(f"{path}, line {number}, has {found} columns in place of {width}: correct it")


def _rows(texts: list[_Row], place: str, path: Path, columns: Columns) -> Rows:
    sources, targets, places, values = zip(*texts, strict=True)
    times = None if columns.time is None else _times(values, places, path, columns)
    try:
        return Rows(
            pa.array(sources, pa.string()), pa.array(targets, pa.string()), pa.array(places), times
        )
    except UnicodeEncodeError as error:  # JSON allows half a character
        raise InputError(
            f"{place} has a character that is incomplete: {error}; correct it"
        ) from error


def _times(
    values: Sequence[object], lines: Sequence[int], path: Path, columns: Columns
) -> pa.Array:
    assert columns.time is not None
    return parsed_times(values, [f"{path}, line {line}," for line in lines], columns.time)


def _as_text(column: pa.ChunkedArray, name: str, place: str, first: int) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if _is_json(kind):
        return _text_of_json(column, name, place, first)
    if pa.types.is_null(kind):
        return pa.chunked_array([pa.array([""] * len(column), pa.string())])
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or _is_view(kind)):
        row = pc.index(pc.is_valid(column), True).as_py()
        value = column[max(row, 0)].as_py() if len(column) else None
        text_of(value if value is not None else kind, f"{place}, row {max(row, 0) + first},", name)
    return pc.fill_null(column.cast(pa.string()), "")


def _text_of_json(column: pa.ChunkedArray, name: str, place: str, first: int) -> pa.ChunkedArray:
    texts = (
        text_of(None if one is None else json.loads(one), f"{place}, row {row},", name)
        for row, one in enumerate(column.cast(pa.string()).to_pylist(), start=first)
    )
    return pa.chunked_array([pa.array(texts, pa.string())])


def _fields_of_json(
    column: pa.ChunkedArray, columns: Columns, place: str, first: int
) -> tuple[list[str], dict[str, pa.ChunkedArray]]:
    """Returns the names of all fields, and the fields of both languages."""
    names: dict[str, None] = {}
    sides: tuple[list[str], list[str]] = ([], [])
    for row, one in enumerate(column.cast(pa.string()).to_pylist(), start=first):
        fields = {} if one is None else json.loads(one)
        if not isinstance(fields, dict):
            raise InputError(
                f"{place}, row {row}, has {_kind(fields)} in the column 'translation', not a text "
                "for each language: correct it"
            )
        names.update(dict.fromkeys(fields))
        for side, name in zip(sides, columns[:2], strict=True):
            side.append(text_of(fields.get(name), f"{place}, row {row},", name))
    found = {
        name: pa.chunked_array([pa.array(side, pa.string())])
        for name, side in zip(columns[:2], sides, strict=True)
        if name in names
    }
    return list(names), found


def _is_json(kind: Any) -> bool:
    return isinstance(kind, pa.JsonType)


def _is_view(kind: Any) -> bool:
    return bool(pa.types.is_string_view(kind))


def _kind(value: object) -> str:
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case list() | tuple():
            return "a list"
        case dict():
            return "an object"
        case None:
            return "null"
        case str():
            return "a text"
        case _:
            return f"a value of the type {type(value).__name__}"
