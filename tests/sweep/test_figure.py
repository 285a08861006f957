"""The picture of a sweep, and its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracelate.sweep.figure import sweep_figure
from tracelate.sweep.outcome import SweepOutcome, TrialOutcome, command_of, outcome_of


def trial(number: int, state: Any, value: float | None) -> TrialOutcome:
    return TrialOutcome(
        number=number,
        state=state,
        value=value,
        validations={},
        settings={"model.layers": number},
        seconds=1,
        same_as=None,
        reason=None,
        run_id=None,
    )


def outcome(*trials: TrialOutcome, **changes: Any) -> SweepOutcome:
    values: dict[str, Any] = {
        "sweep": "rates",
        "metric": "bleu",
        "higher_is_better": True,
        "best": None,
        "settings": {},
        "arguments": [],
        "importance": {},
    }
    return SweepOutcome(trials=list(trials), **{**values, **changes})


def test_the_history_has_each_trial_and_the_best_so_far() -> None:
    made = outcome(
        trial(0, "complete", 30.0),
        trial(1, "pruned", 10.0),
        trial(2, "complete", 20.0),
        trial(3, "complete", 40.0),
        importance={"model.layers": 0.8, "model.cell": 0.2},
    )
    history, importance = sweep_figure(made).axes
    complete, pruned = history.collections
    assert np.asarray(complete.get_offsets()).tolist() == [[0, 30], [2, 20], [3, 40]]
    assert np.asarray(pruned.get_offsets()).tolist() == [[1, 10]]
    [line] = history.lines
    assert np.asarray(line.get_ydata()).tolist() == [30, 30, 40, 40]
    assert [text.get_text() for text in importance.get_yticklabels()] == [
        "model.cell",
        "model.layers",
    ]


def test_a_sweep_without_a_result_has_a_picture_too() -> None:
    [history] = sweep_figure(outcome(trial(0, "failed", None), metric="loss")).axes
    assert history.get_ylabel() == "loss of the validation"


def test_trials_are_ranked_by_state_and_value() -> None:
    trials = (
        trial(0, "failed", None),
        trial(1, "complete", 1.0),
        trial(2, "pruned", 9.0),
        trial(3, "complete", 2.0),
    )
    assert [one.number for one in outcome(*trials).ranked()] == [3, 1, 2, 0]
    lower = outcome(*trials, higher_is_better=False)
    assert [one.number for one in lower.ranked()] == [1, 3, 2, 0]


def test_the_arguments_are_those_that_dvc_reads() -> None:
    fixed = {"train.monitor": "bleu", "train.max_steps": None, "tokenize.user_symbols": ["<br>"]}
    known = {"train.monitor": "bleu", "train.max_steps": 9, "tokenize.user_symbols": []}
    made = outcome_of("rates", "bleu", fixed, [], {}, known)
    assert command_of(made) == (
        "dvc exp run -S train.max_steps=null -S 'tokenize.user_symbols=[<br>]'"
    )
