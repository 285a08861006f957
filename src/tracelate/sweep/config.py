"""The settings of a sweep: what is tried out, for how long, and by which value it is judged."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from tracelate.config import MonitorName
from tracelate.config_file import read_settings
from tracelate.config_section import MAX_COUNT, Count, Reason, Section
from tracelate.errors import InputError

Value = bool | int | float | str | None
"""Value of a setting that a sweep may change."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
RELATIVE_TOLERANCE = 1e-6
"""Of the number of steps in a range, for the rounding of decimal fractions."""


class Dimension(Section):
    """The values that a setting takes in a sweep: a range, or a list of choices."""

    low: int | float | None = None
    """Smallest value, included."""
    high: int | float | None = None
    """Largest value, included."""
    step: int | float | None = None
    """Difference of two neighbouring values; null: every value, or every whole number."""
    log: bool = False
    """True: the logarithm of the value is searched evenly."""
    choices: Annotated[list[Value], Field(min_length=1, max_length=1_000)] | None = None
    """All values, where there is no range; a list alone may be written in place of a mapping."""

    def __str__(self) -> str:
        if self.choices is not None:
            return ", ".join(map(str, self.choices))
        step = "" if self.step is None else f" by {self.step}"
        return f"{self.low} to {self.high}{step}{', log' if self.log else ''}"

    @model_validator(mode="before")
    @classmethod
    def _read_list(cls, value: Any) -> Any:
        return {"choices": value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _refuse_what_is_no_range(self) -> Self:
        if self.choices is not None:
            if (self.low, self.high, self.step, self.log) != (None, None, None, False):
                raise ValueError("it has choices and a range: remove one of them")
            if len({(type(one), one) for one in self.choices}) < len(self.choices):
                raise ValueError(f"choices {self.choices} has a value twice: remove one")
            return self
        if self.low is None or self.high is None:
            raise ValueError("it needs low and high, or a list of choices: add them")
        if self.low >= self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}: exchange them")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("log needs a low above 0 and no step: correct them, or remove log")
        if self.step is not None:
            self._refuse_uneven(self.high - self.low, self.step)
        return self

    @staticmethod
    def _refuse_uneven(width: float, step: float) -> None:
        if step <= 0 or step > width:
            raise ValueError(f"step {step} is not between 0 and high - low: correct it")
        steps = width / step
        if abs(steps - round(steps)) > RELATIVE_TOLERANCE * steps:
            raise ValueError(f"high is not low plus a number of steps of {step}: correct one")


class SweepConfig(Section):
    """Content of the file of a sweep."""

    metric: MonitorName
    """Value of the validation by which trials are compared, and which chooses the weights of each
    (train.monitor): bleu, chrf or loss."""
    trials: Count | None = None
    """Most trials, with those that failed or were pruned; null: no limit."""
    hours: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """Hours of training, of all trials together, after which no trial begins; null: no limit."""
    sampler: Literal["tpe", "random", "grid"] = "tpe"
    """Choice of the next trial: by the tree-structured Parzen estimator (Bergstra et al. 2011), at
    random, or each combination of values once."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1), Reason("since numpy's seeds have 32 bits")] = 1
    """Seed of the sampler. Trainings have train.seed."""
    pruner: Literal["median", "none"] = "median"
    """median: a trial ends early if its best validation so far is worse than the median of the
    other trials at the same validation; none: every trial is trained to its end."""
    warmup_trials: Annotated[int, Field(ge=0, le=MAX_COUNT)] = 5
    """Number of trials that end before any is pruned."""
    warmup_validations: Annotated[int, Field(ge=0, le=MAX_COUNT)] = 2
    """Number of first validations of a trial at which it is not pruned."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of all trials that differ from params.yaml, by their dotted names."""
    space: Annotated[dict[str, Dimension], Field(min_length=1, max_length=100)]
    """Settings that are tried out, by their dotted names; several names with commas between them
    always have the same value."""

    @model_validator(mode="after")
    def _refuse_without_end(self) -> Self:
        if self.trials is None and self.hours is None and self.sampler != "grid":
            raise ValueError("trials and hours are missing: add one of them, or both")
        if self.sampler == "grid":
            for name, one in self.space.items():
                if one.choices is None and one.step is None:
                    raise ValueError(
                        f"space.{name} has no step, and sampler is grid: add a step, or a list"
                    )
        return self


def read_sweep(path: Path) -> tuple[str, SweepConfig]:
    """Returns the name of a sweep, which is its file's without the ending, and its settings.

    Raises InputError if the file is missing or wrong.
    """
    if not NAME.fullmatch(path.stem):
        raise InputError(
            f"{path.stem!r} cannot be the name of a sweep: rename the file with at most 100 "
            "letters, digits, '.', '-' and '_'"
        )
    return path.stem, read_settings(path, SweepConfig)
