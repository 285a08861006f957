"""Picture of a sweep: its trials in their order, and the importance of the settings."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tracelate.evaluation.figures.style import (
    BLUE,
    LIGHT_BLUE,
    VERMILION,
    new_figure,
    shorten,
    style,
    write_png,
)
from tracelate.metric_table import METRICS
from tracelate.sweep.outcome import SweepOutcome
from tracelate.sweep.space import settings_of

LONGEST_NAME = 40
MOST_SETTINGS = 12
"""Settings whose importance is drawn."""


def write_figure(path: Path, outcome: SweepOutcome) -> None:
    write_png(sweep_figure(outcome), path)


def sweep_figure(outcome: SweepOutcome) -> Figure:
    """Draws the value of each trial with the best one so far, and the share of each setting."""
    shares = dict(list(outcome.importance.items())[:MOST_SETTINGS])
    with style():
        figure = new_figure(10 if shares else 6, 4)
        figure.set_layout_engine("constrained")
        if shares:
            history, importance = figure.subplots(1, 2, width_ratios=[3, 2])
            _draw_importance(importance, shares)
        else:
            history = figure.subplots()
        _draw_history(history, outcome)
        if (labelled := history.get_legend_handles_labels())[0]:
            figure.legend(*labelled, loc="outside lower left", ncols=3)
    return figure


def _draw_history(axes: Axes, outcome: SweepOutcome) -> None:
    complete = [one for one in outcome.trials if one.state == "complete"]
    others = [one for one in outcome.trials if one.state == "pruned" and one.value is not None]
    better = max if outcome.higher_is_better else min
    numbers: list[int] = []
    best: list[float] = []
    for one in complete:
        assert one.value is not None
        numbers.append(one.number)
        best.append(better(one.value, best[-1]) if best else one.value)
    if numbers:
        last = outcome.trials[-1].number
        axes.step(
            [*numbers, last], [*best, best[-1]], where="post", color=BLUE, label="best so far"
        )
    axes.scatter(numbers, [one.value or 0.0 for one in complete], color=BLUE, label="complete")
    if others:
        pruned = [one.value or 0.0 for one in others]
        axes.scatter(
            [one.number for one in others], pruned, color=VERMILION, marker="x", label="pruned"
        )
    axes.set_xlabel("trial")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel(f"{_title(outcome)} of the validation")
    axes.set_title(f"Trials of {shorten(outcome.sweep, LONGEST_NAME)}", loc="left")
    axes.grid(True, axis="y")


def _draw_importance(axes: Axes, shares: dict[str, float]) -> None:
    names = [
        "\n".join(shorten(one, LONGEST_NAME) for one in settings_of(name))
        for name in reversed(shares)
    ]
    axes.barh(names, list(reversed(shares.values())), color=LIGHT_BLUE)
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of the differences")
    axes.set_title("Importance (PED-ANOVA)", loc="left")


def _title(outcome: SweepOutcome) -> str:
    return "loss" if outcome.metric == "loss" else METRICS[outcome.metric].title
