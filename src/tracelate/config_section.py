"""The base class of all sections of params.yaml, and the types of their fields."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError


def _package_name(name: str) -> str:
    """Returns the name. Raises an error for what pip would take for an address or an option."""
    try:
        canonicalize_name(name, validate=True)
    except InvalidName:
        raise PydanticCustomError(
            "package_name", "should be the name of a package: letters, digits, '.', '-' and '_'"
        ) from None
    return name


def _package_version(version: str) -> str:
    """Returns the version. Raises an error for a range and for white space, which pip ignores."""
    try:
        Version(version)
    except InvalidVersion:
        is_valid = False
    else:
        is_valid = version == version.strip()
    if not is_valid:
        raise PydanticCustomError("package_version", "should be one version, such as 2026.2.3")
    return version


Percent = Annotated[float, Field(ge=0, le=100)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Text = Annotated[str, StringConstraints(min_length=1)]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]+)*$")]
PackageName = Annotated[str, AfterValidator(_package_name)]
"""Name of a Python package as PEP 508 defines it."""
PackageVersion = Annotated[str, AfterValidator(_package_version)]
"""Version of a Python package as PEP 440 defines it."""
LengthPenalty = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]
"""Exponent of the length penalty. Far above 10, the penalty of a long translation overflows."""


class Before(NamedTuple):
    """Value of a setting in models that were saved before it was a setting, in its annotation."""

    value: Any


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
