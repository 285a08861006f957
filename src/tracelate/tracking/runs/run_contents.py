"""Everything that a stage writes to its run, as values that were read from the stage's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

Curve = Sequence[Mapping[str, float]]
"""Rows of metrics, each with its `step`."""
_EMPTY: Mapping[str, Any] = MappingProxyType({})


class DataFile(NamedTuple):
    """A dataset that a run read."""

    path: Path
    """Relative to the project's root."""
    sha256: str
    context: str
    """Use of the dataset: training, validation or test."""
    row_count: int


class RunContents(NamedTuple):
    """Contents of a run; a part that a stage does not have is empty."""

    params: Mapping[str, Any] = _EMPTY
    """Nested settings."""
    tags: Mapping[str, str] = _EMPTY
    datasets: Sequence[DataFile] = ()
    metrics: Mapping[str, float] = _EMPTY
    curves: Sequence[Curve] = ()
    files: Mapping[str, Sequence[Path]] = _EMPTY
    """From a folder among the run's artifacts to the files in it."""
    tables: Mapping[str, Mapping[str, Sequence[Any]]] = _EMPTY
    """From a path among the run's artifacts to columns of equal length."""
