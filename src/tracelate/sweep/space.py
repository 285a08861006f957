"""The space of a sweep over the settings of params.yaml, checked before anything is trained."""

from __future__ import annotations

import difflib
import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from tracelate.config import Params
from tracelate.config_file import explain_errors
from tracelate.errors import InputError
from tracelate.sweep.config import Dimension, SweepConfig, Value
from tracelate.tracking.runs.run_writer import flatten

Values = dict[str, Value]
"""Values of settings by their dotted names."""

REFUSED = {
    "download": "it changes the corpus, so that trials would be validated on other sentences",
    "prepare": "it changes the sentences that trials are validated on: run a sweep for each value",
    "evaluate": "a sweep evaluates no trial, since test text must choose no setting",
    "registry": "it changes no training",
    "runtime": "it changes no result: set it in params.yaml",
    "train.monitor": "the setting metric of the sweep sets it",
    "train.seed": "the best of several seeds is chance, which `tracelate seeds` measures",
}
"""Sections and settings that no trial may vary, with the reason."""
FIXED = ("runtime", "train.seed")
"""Those of them that may be set for all trials together."""
SIGNIFICANT_DIGITS = 4
"""Of a number from a range without steps."""
MOST_OF_A_GRID = 1_000
CORNERS = 64
"""Combinations of extreme values in which each single one is tried out."""


class Space(NamedTuple):
    """Settings of all trials, and the values that vary between them."""

    base: Params
    """Settings of all trials, with the values of params.yaml for those that vary."""
    dimensions: Mapping[str, Dimension]
    """By the name in the file, which may be that of several settings."""

    @property
    def varies_tokens(self) -> bool:
        """True if trials differ in the section tokenize, so that each has tokens of its own."""
        return any(
            one.startswith("tokenize.") for name in self.dimensions for one in settings_of(name)
        )

    def is_whole(self, name: str) -> bool:
        """Returns True if the values of a range are whole numbers."""
        one = self.dimensions[name]
        known = _value_at(self.base.model_dump(), settings_of(name)[0])
        return isinstance(one.low, int) and isinstance(one.high, int) and type(known) is not float

    def values(self, chosen: Mapping[str, Any]) -> Values:
        """Returns the values of all settings that vary, from those that a sampler has chosen.

        Numbers from a range without steps are rounded to SIGNIFICANT_DIGITS.
        """
        return {
            setting: self._rounded(name, value)
            for name, value in chosen.items()
            for setting in settings_of(name)
        }

    def params(self, values: Mapping[str, Any]) -> Params:
        """Returns the settings of a trial. Raises InputError if they are invalid together."""
        return changed(self.base, values)

    def base_point(self) -> Values | None:
        """Returns the values of params.yaml by the names of the file; None if one is outside."""
        known = self.base.model_dump()
        found: Values = {}
        for name, one in self.dimensions.items():
            values = [_value_at(known, setting) for setting in settings_of(name)]
            if any(value != values[0] for value in values) or not _contains(one, values[0]):
                return None
            found[name] = values[0]
        return found

    def grid(self) -> Iterator[Values]:
        """Yields all combinations of values; ranges must have steps."""
        lists = [list(_all_values(one)) for one in self.dimensions.values()]
        for combination in itertools.product(*lists):
            yield dict(zip(self.dimensions, combination, strict=True))

    def grid_size(self) -> int:
        return math.prod(len(list(_all_values(one))) for one in self.dimensions.values())

    def _rounded(self, name: str, value: Any) -> Value:
        one = self.dimensions[name]
        if one.low is None or one.high is None or not isinstance(value, float):
            found: Value = value
            return found
        digits = SIGNIFICANT_DIGITS if one.step is None else 12
        return min(max(float(f"{value:.{digits}g}"), one.low), one.high)


def make_space(config: SweepConfig, params: Params) -> Space:
    """Returns the space of a sweep over the settings of params.yaml.

    Raises InputError if a setting is unknown, may not vary, or has a value that is never valid:
    both ends of each range and each choice are tried out.
    """
    known = [name for name, _ in flatten(params.model_dump())]
    for name in config.settings:
        _refuse(name, "settings", known, config, FIXED)
    seen: list[str] = []
    for key in config.space:
        for name in settings_of(key):
            _refuse(name, "space", known, config)
            if name in config.settings or name in seen:
                raise InputError(f"{name} is twice in the sweep's file: remove it at one place")
            seen.append(name)
    fixed = {**config.settings, "train.monitor": config.metric}
    space = Space(changed(params, fixed, "settings of the sweep"), config.space)
    _refuse_invalid(space, config.seed)
    if config.sampler == "grid" and (size := space.grid_size()) > MOST_OF_A_GRID:
        raise InputError(
            f"the grid has {size:,} combinations, more than {MOST_OF_A_GRID:,}: leave values out, "
            "or set sampler to tpe"
        )
    return space


def settings_of(name: str) -> list[str]:
    """Returns the dotted names of the settings that have one value."""
    return [one.strip() for one in name.split(",")]


def changed(params: Params, values: Mapping[str, Any], place: str = "space") -> Params:
    """Returns the settings with other values. Raises InputError if they are invalid together."""
    document = params.model_dump()
    for name, value in values.items():
        *sections, last = name.split(".")
        section = document
        for part in sections:
            section = section[part]
        section[last] = value
    try:
        return Params.model_validate(document)
    except ValidationError as error:
        reasons = explain_errors(error.errors(include_url=False), Params)
        raise InputError(f"{place}: {reasons}") from error


def _refuse(
    name: str, place: str, known: Sequence[str], config: SweepConfig, allowed: Sequence[str] = ()
) -> None:
    section = name.partition(".")[0]
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        inside = [one for one in known if one.startswith(f"{name}.")]
        hint = f"did you mean {(close or inside)[0]}?" if close or inside else "see params.yaml"
        raise InputError(f"{place} has {name!r}, which is not a setting: {hint}")
    for refused, reason in REFUSED.items():
        if refused in (section, name) and refused not in allowed:
            raise InputError(f"{place} has {name}, which a sweep cannot vary: {reason}")
    if section == "tokenize" and config.metric == "loss":
        raise InputError(
            f"{place} has {name}, and losses of other pieces cannot be compared: set metric to "
            "bleu or chrf"
        )


def _refuse_invalid(space: Space, seed: int) -> None:
    """Raises InputError for a value that is valid in none of the combinations tried."""
    extremes = {name: _extremes(one) for name, one in space.dimensions.items()}
    draw = random.Random(seed)
    corners = [{name: draw.choice(ends) for name, ends in extremes.items()} for _ in range(CORNERS)]
    for name, ends in extremes.items():
        for value in ends:
            reasons = []
            for others in ({}, *corners):
                try:
                    space.params(space.values({**others, name: value}))
                    break
                except InputError as error:
                    reasons.append(str(error))
            else:
                raise InputError(f"{name} {value!r} is never valid in this space: {reasons[0]}")


def _extremes(one: Dimension) -> list[Value]:
    return list(one.choices) if one.choices is not None else [one.low, one.high]


def _all_values(one: Dimension) -> Iterator[Value]:
    if one.choices is not None:
        yield from one.choices
    elif one.low is not None and one.high is not None and one.step is not None:
        for place in range(round((one.high - one.low) / one.step) + 1):
            value = one.low + place * one.step
            yield float(f"{value:.12g}") if isinstance(value, float) else value


def _contains(one: Dimension, value: Any) -> bool:
    if one.choices is not None:
        return any(type(value) is type(choice) and value == choice for choice in one.choices)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if one.low is None or one.high is None or not one.low <= value <= one.high:
        return False
    return one.step is None or any(
        isinstance(other, int | float) and math.isclose(value, other) for other in _all_values(one)
    )


def _value_at(document: Mapping[str, Any], name: str) -> Any:
    value: Any = document
    for part in name.split("."):
        value = value[part]
    return value
