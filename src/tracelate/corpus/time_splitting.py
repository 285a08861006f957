"""Splits a corpus by time: the newest pairs are test text, those before them validation text.

A pair with a time from prepare.test_from on is test text, one from prepare.valid_from on validation
text, and the rest is training text. Then no pair moves when the corpus grows. Without a border, it
is the time at which the newest pairs are the wanted percent; newer pairs then move it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tracelate.config import PrepareConfig
from tracelate.corpus.pairs import TIME
from tracelate.corpus.raw import SPLITS
from tracelate.corpus.splitting import TRAIN, Assignment, Codes
from tracelate.errors import InputError
from tracelate.text.times import parse_time, show_time

Times = NDArray[np.int64]
"""Microseconds from the beginning of 1970."""


class Border(NamedTuple):
    """The time from which on pairs are in a split."""

    split: str
    time: int
    is_set: bool
    """True if the settings name it."""


def times_of(batch: pa.RecordBatch) -> Times:
    """Returns the times of pairs. Raises InputError, which names the first pair without one."""
    missing = "name the column that has it in the source's columns (columns.time), or split by pair"
    if TIME.name not in batch.schema.names:
        raise InputError(f"prepare.split_by is time, and the corpus has no times: {missing}")
    times = batch[TIME.name]
    if times.null_count:
        origin = batch["origin"][pc.index(pc.is_null(times), True).as_py()].as_py()
        raise InputError(f"prepare.split_by is time, and {origin} has none: {missing}")
    return np.asarray(times.cast(pa.int64()).to_numpy())


def assign_by_time(
    times: Times, shares: Mapping[str, float], config: PrepareConfig
) -> tuple[Assignment, list[Border]]:
    """Splits pairs by their times. Returns the borders too, that of the newest split first."""
    codes = np.full(len(times), TRAIN, np.uint8)
    borders = []
    for name, percent in shares.items():
        rest = times[codes == TRAIN]
        setting = config.test_from if name == "test" else config.valid_from
        if setting is not None:
            time = parse_time(setting)
        elif (wanted := round(len(times) * percent / 100)) and len(rest):
            time = int(np.partition(rest, -min(wanted, len(rest)))[-min(wanted, len(rest))])
        else:
            continue
        codes[(codes == TRAIN) & (times >= time)] = SPLITS.index(name)
        borders.append(Border(name, time, setting is not None))
    return Assignment(codes, _warnings(codes, shares, borders)), borders


def _warnings(codes: Codes, shares: Mapping[str, float], borders: list[Border]) -> list[str]:
    found = [border for border in borders if not border.is_set]
    warnings = []
    if found:
        shown = " and ".join(f"prepare.{one.split}_from to {show_time(one.time)}" for one in found)
        warnings.append(f"newer text will move the borders of the splits: set {shown} to keep them")
    for border in found:
        percent = 100 * float(np.mean(codes == SPLITS.index(border.split)))
        if percent > 2 * shares[border.split]:
            warnings.append(
                f"{border.split} has {percent:.1f} % of the pairs in place of "
                f"{shares[border.split]:g} %, because many have the same time: set "
                f"prepare.{border.split}_from"
            )
    return warnings
