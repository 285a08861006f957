"""The base class of all sections of params.yaml, and the types of their fields."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Percent = Annotated[float, Field(ge=0, le=100)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Text = Annotated[str, StringConstraints(min_length=1)]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]+)*$")]
LengthPenalty = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]
"""Exponent of the length penalty. Far above 10, the penalty of a long translation overflows."""


class Before(NamedTuple):
    """Value of a setting in models that were saved before it was a setting, in its annotation."""

    value: Any


class Reason(NamedTuple):
    """Reason of a setting's limit, in its annotation; a message continues with it."""

    text: str


class Section(BaseModel):
    """A frozen section: strict types, finite numbers, no unknown keys, no defaults.

    The docstring under each field is its description.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )
