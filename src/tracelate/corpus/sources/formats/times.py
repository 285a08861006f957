"""The times of a table's rows, which may be a column of text, of numbers or of times."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from tracelate.corpus.pairs import TIME
from tracelate.errors import InputError
from tracelate.text.times import parse_time

SHOWN_VALUE = 60


def parsed_times(values: Sequence[object], places: Sequence[str], column: str) -> pa.Array:
    """Returns the times of rows, null where a value is missing; `places` name the rows.

    Raises InputError for a value that is no time of ISO 8601.
    """
    times: list[int | None] = []
    for value, place in zip(values, places, strict=True):
        try:
            times.append(None if value in (None, "") else _parsed(value))
        except (ValueError, OverflowError) as error:
            raise InputError(
                f"{place} has {str(value)[:SHOWN_VALUE]!a} in the column {column!r}, which is no "
                "time of ISO 8601, such as 2024-03-01 or 2024-03-01T12:00:00Z: correct it, or name "
                "another column"
            ) from error
    return pa.array(times, TIME.type)


def column_of_times(column: pa.ChunkedArray, name: str, place: str, first: int) -> pa.ChunkedArray:
    """Returns a column of a table as times; `first` is the number of its first row.

    Raises InputError as `parsed_times` does.
    """
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz is None:
        column, kind = pc.assume_timezone(column, "UTC"), pa.timestamp(kind.unit, "UTC")
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return pc.cast(column, TIME.type, safe=False)  # nanoseconds are cut off
    places = [f"{place}, row {row}," for row in range(first, first + len(column))]
    return pa.chunked_array([parsed_times(column.to_pylist(), places, name)])


def _parsed(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError
    return parse_time(str(value).strip())
