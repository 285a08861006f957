"""The outcome of a sweep: its trials, the best one, and the command that trains it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial
from ruamel.yaml import YAML
from ruamel.yaml.compat import StringIO

from tracelate.config import MonitorName
from tracelate.file_format import FileForm, FileFormat, Name, Whole
from tracelate.sweep.config import Value
from tracelate.sweep.study import REASON, RUN_ID, SAME_AS, SECONDS, SETTINGS, STATES, State
from tracelate.training.fit import BETTER


class TrialOutcome(FileForm):
    """One trial."""

    number: Whole
    state: State
    value: float | None
    """Best validation of a complete trial, and the last one of another; None if there is none."""
    validations: dict[str, float]
    """The values by the number of the validation, from 1."""
    settings: dict[str, Value]
    """By their dotted names."""
    seconds: float
    """Time of its training."""
    same_as: Whole | None
    """Number of the trial that had the same settings, so that this one was not trained."""
    reason: str | None
    """Reason of a failure, or why the settings are invalid together."""
    run_id: str | None


class SweepOutcome(FileForm):
    """Content of report.json."""

    sweep: Name
    metric: MonitorName
    higher_is_better: bool
    trials: list[TrialOutcome]
    """In the order of their numbers."""
    best: Whole | None
    """Number of the best complete trial."""
    settings: dict[str, Any]
    """All settings of the best trial that differ from params.yaml; those of the sweep if none is
    complete."""
    arguments: list[str]
    """Arguments of `dvc exp run` with these settings."""
    importance: dict[str, float]
    """Share of each setting in the differences between trials, the largest first."""

    def ranked(self) -> list[TrialOutcome]:
        """Returns the trials, the complete ones first and the best of these first."""
        return sorted(self.trials, key=self._rank)

    def _rank(self, one: TrialOutcome) -> tuple[int, float, int]:
        order = ("complete", "pruned", "running", "failed", "waiting").index(one.state)
        value = 0.0 if one.value is None else one.value
        return order, -value if self.higher_is_better else value, one.number

    def count(self, *states: State) -> int:
        return sum(one.state in states for one in self.trials)


OUTCOME = FileFormat("report.json", SweepOutcome, (), "run `tracelate sweep FILE` again")


def outcome_of(
    name: str,
    metric: MonitorName,
    fixed: Mapping[str, Any],
    trials: Sequence[FrozenTrial],
    importance: Mapping[str, float],
    committed: Mapping[str, Any],
) -> SweepOutcome:
    """Returns the outcome of the trials so far.

    `fixed` has the settings of all trials, and `committed` those of params.yaml, by dotted names.
    """
    outcomes = [_trial(one) for one in trials]
    complete = [one for one in outcomes if one.state == "complete" and one.value is not None]
    higher = BETTER[metric] == "max"
    best = min(
        complete,
        key=lambda one: ((-1 if higher else 1) * (one.value or 0.0), one.number),
        default=None,
    )
    settings = {**fixed, **(best.settings if best is not None else {})}
    differing = {key: value for key, value in settings.items() if committed.get(key) != value}
    return SweepOutcome(
        sweep=name,
        metric=metric,
        higher_is_better=higher,
        trials=outcomes,
        best=None if best is None else best.number,
        settings=differing,
        arguments=[
            part for key, value in differing.items() for part in ("-S", f"{key}={_written(value)}")
        ],
        importance=dict(importance),
    )


def command_of(outcome: SweepOutcome) -> str:
    """Returns the command that trains the best settings in the project."""
    return shlex.join(["dvc", "exp", "run", *outcome.arguments])


def _trial(one: FrozenTrial) -> TrialOutcome:
    notes = one.user_attrs
    state = STATES[one.state]
    steps = sorted(one.intermediate_values)
    last = one.intermediate_values[steps[-1]] if steps else None
    return TrialOutcome(
        number=one.number,
        state=state,
        value=one.value if state == "complete" else last,
        validations={str(step): one.intermediate_values[step] for step in steps},
        settings=notes.get(SETTINGS, {}),
        seconds=notes.get(SECONDS, 0.0),
        same_as=notes.get(SAME_AS),
        reason=notes.get(REASON),
        run_id=notes.get(RUN_ID),
    )


def _written(value: Any) -> str:
    """Returns a value as YAML of one line, as `dvc exp run -S` takes it."""
    stream = StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = True
    yaml.width = 10_000
    yaml.dump(value, stream)
    text: str = stream.getvalue()
    return text.removesuffix("...\n").strip()
