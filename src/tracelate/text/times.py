"""Times as texts have them: ISO 8601, such as 2024, 2024-03, 2024-03-01 or 2024-03-01T12:00:00Z.

A time without a zone is of UTC, and one without a day or an hour is the first of the year or month,
or the beginning of the day.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_YEAR_AND_MONTH = re.compile(r"(\d{4})(?:-(\d\d))?", re.ASCII)


def parse_time(text: str) -> int:
    """Returns the microseconds from the beginning of 1970 to the time. Raises ValueError if the
    text is no time of ISO 8601.
    """
    if found := _YEAR_AND_MONTH.fullmatch(text):
        text = f"{found[1]}-{found[2] or '01'}-01"
    time = datetime.fromisoformat(text)
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - EPOCH) // _MICROSECOND


def show_time(microseconds: int) -> str:
    """Returns the text of a time, which `parse_time` reads: a date if it is midnight."""
    time = EPOCH + timedelta(microseconds=microseconds)
    is_midnight = (time - EPOCH) % timedelta(days=1) == timedelta()
    return time.date().isoformat() if is_midnight else time.isoformat().replace("+00:00", "Z")
