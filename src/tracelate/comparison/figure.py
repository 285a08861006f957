"""Figure of a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from tracelate.comparison.compare import LengthDifference
from tracelate.evaluation.figures.scores import annotate_too_few, label_buckets
from tracelate.evaluation.figures.style import (
    GREY,
    LIGHT_BLUE,
    ORANGE,
    new_figure,
    shorten,
    style,
)

LONGEST_NAME = 28


def length_difference_figure(buckets: Sequence[LengthDifference], a: str, b: str) -> Figure:
    """Draws the difference of BLEU between systems a and b by source length.

    Each bucket has a bar with its 95 % interval; a bar points up if b is better.
    """
    with style():
        figure = new_figure(max(5.0, 1.0 + 1.25 * len(buckets)), 4)
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        axes.axhline(0, color=GREY, linewidth=1)
        reach = 0.0
        for place, bucket in enumerate(buckets):
            if bucket.difference is None:
                annotate_too_few(axes, place)
                continue
            value, low, high = bucket.difference
            axes.bar(place, value, width=0.62, color=LIGHT_BLUE if value >= 0 else ORANGE)
            axes.plot([place, place], [low, high], color="#222222", linewidth=1.6)
            up = value >= 0
            axes.annotate(
                _signed(value, "+.1f"),
                (place, max(high, value, 0) if up else min(low, value, 0)),
                xytext=(0, 5 if up else -5),
                textcoords="offset points",
                ha="center",
                va="bottom" if up else "top",
                fontweight="bold",
            )
            reach = max(reach, abs(low), abs(high), abs(value))
        label_buckets(axes, buckets)
        axes.set_ylim(-1.25 * reach or -1, 1.25 * reach or 1)
        axes.yaxis.set_major_formatter(lambda value, _: _signed(value, "+g") if value else "0")
        axes.set_ylabel("difference of BLEU, percent")
        axes.set_title("BLEU by source length: the difference, with 95 % intervals\n", loc="left")
        axes.text(
            0,
            1.02,
            f"up: {shorten(b, LONGEST_NAME)} is better · "
            f"down: {shorten(a, LONGEST_NAME)} is better",
            transform=axes.transAxes,
            color=GREY,
        )
        axes.grid(True, axis="y")
    return figure


def _signed(value: float, form: str) -> str:
    return format(value, form).replace("-", "−")  # the minus sign that matplotlib uses on its axes
