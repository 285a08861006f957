from __future__ import annotations

import datetime
from typing import Any

import pytest

from tests.corpus.test_cleaning import CONFIG
from tracelate.config import PrepareConfig


def config(**changes: Any) -> PrepareConfig:
    return PrepareConfig.model_validate({**CONFIG.model_dump(), **changes})


def test_a_border_is_a_time_also_as_yaml_has_it() -> None:
    found = config(split_by="time", valid_from=datetime.date(2024, 1, 1), test_from="2024-03")
    assert (found.valid_from, found.test_from) == ("2024-01-01", "2024-03")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split_by": "time", "test_from": "soon"}, "should be a time of ISO 8601"),
        ({"split_by": "time", "test_from": 3.5}, "should be a time of ISO 8601"),
        ({"test_from": "2024"}, "split_by is group, and valid_from or test_from is set"),
        (
            {"split_by": "time", "valid_from": "2024-03", "test_from": "2024-03-01"},
            "valid_from 2024-03 is not before test_from 2024-03-01",
        ),
    ],
)
def test_wrong_borders_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(**changes)
