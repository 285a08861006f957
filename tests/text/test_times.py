from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.text.times import parse_time, show_time


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2024", "2024-01-01"),
        ("2024-03", "2024-03-01"),
        ("20240301", "2024-03-01"),
        ("2024-03-01T12:00:00Z", "2024-03-01T12:00:00Z"),
        ("2024-03-01 12:00", "2024-03-01T12:00:00Z"),
        ("2024-03-01T01:00+02:00", "2024-02-29T23:00:00Z"),
        ("1969-12-31", "1969-12-31"),
    ],
)
def test_times_of_iso_8601_are_read(text: str, shown: str) -> None:
    assert show_time(parse_time(text)) == shown


@pytest.mark.parametrize(
    "text", ["", "12", "yesterday", "2024-13", "01/03/2024", "1709251200", "٢٠٢٤"]
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_time(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_is_that_of_the_calendar(time: datetime) -> None:
    assert parse_time(time.isoformat()) / 1e6 == pytest.approx(time.timestamp(), abs=1e-3)
    assert parse_time(show_time(parse_time(time.isoformat()))) == parse_time(time.isoformat())
