"""The base class of all sections of params.yaml, and the types of their fields."""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from tracelate.text.languages import MAX_CODE_LENGTH, UnknownLanguageError, normal_form


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


def _catalog_path(path: str) -> str:
    fields = re.findall(r"[{][^{}]*[}]|[{}]", path)
    if "{language}" not in fields or set(fields) - {"{language}", "{group}"}:
        raise PydanticCustomError(
            "catalog_path", "should have {language}, and no other braces than {group}"
        )
    return path


def _web_address(address: str) -> str:
    """Returns the address. Raises an error for one with a password: settings are recorded."""
    try:
        parts = urlsplit(address)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_web = False
    if not is_web or not re.fullmatch(r"[\x21-\x7e]+", address):
        raise PydanticCustomError(
            "web_address", "should be an http(s) address, with other characters as %XX"
        )
    if parts.username is not None or parts.password is not None:
        raise PydanticCustomError(
            "web_address", "should have no user and password: put them into ~/.netrc"
        )
    return address


def _language(code: str) -> str:
    try:
        normal_form(code)
    except UnknownLanguageError as error:
        raise PydanticCustomError("unknown_language", "{reason}", {"reason": str(error)}) from None
    return code


Percent = Annotated[float, Field(ge=0, le=100)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
MAX_BEAMS = 16
"""Most hypotheses of a sentence in a request to a server that has its default limits."""
MAX_COUNT = 1_000_000_000
MAX_SEED = 2**63 - 1
MAX_SIZE = 1_000_000


class Reason(NamedTuple):
    """Reason of a setting's limit, in its annotation; a message continues with it."""

    text: str


Count = Annotated[int, Field(ge=1, le=MAX_COUNT), Reason("more than any training has")]
Characters = Annotated[int, Field(ge=1, le=MAX_SIZE), Reason("longer than any sentence")]
Size = Annotated[int, Field(ge=1, le=MAX_SIZE), Reason("more than any machine computes with")]
Depth = Annotated[int, Field(ge=1, le=1_000), Reason("deeper than any network that trains")]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED), Reason("since a seed has 63 bits")]
Text = Annotated[
    str, StringConstraints(min_length=1, max_length=1_000, pattern=r"^\P{Cc}*[^\p{Cc}\s]\P{Cc}*$")
]
"""At most 1,000 characters, of which one is visible and none is a line break or a control
character: MLflow's params have 6,000, and a message is one line."""
Language = Annotated[str, StringConstraints(max_length=MAX_CODE_LENGTH), AfterValidator(_language)]
"""Code of a language in a form that `tracelate.text.languages` understands."""
SavedLanguage = Annotated[
    str, StringConstraints(max_length=MAX_CODE_LENGTH, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]*$")
]
"""Code of a language in a file of any version; earlier ones did not know the languages."""
CatalogPath = Annotated[Text, AfterValidator(_catalog_path)]
"""Path of a catalog with {language}, and perhaps {group}."""
WebAddress = Annotated[Text, AfterValidator(_web_address)]
"""Address of a file, by http or https."""
PackageName = Annotated[Text, AfterValidator(_package_name)]
"""Name of a Python package as PEP 508 defines it."""
PackageVersion = Annotated[Text, AfterValidator(_package_version)]
"""Version of a Python package as PEP 440 defines it."""
LengthPenalty = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]
"""Exponent of the length penalty. Far above 10, the penalty of a long translation overflows."""


class Before(NamedTuple):
    """Value of a setting in models that were saved before it was a setting, in its annotation."""

    value: Any


class Section(BaseModel):
    """A frozen section: strict types, finite numbers, no unknown keys, no defaults.

    The docstring under each field is its description. A setting may have as its default the
    behaviour before it existed, for an older params.yaml.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )
