"""Pictures of the lengths in a corpus."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, StrMethodFormatter
from numpy.typing import NDArray

from tracelate.evaluation.figures.style import (
    BLUE,
    GREY,
    VERMILION,
    new_figure,
    style,
    write_png,
)
from tracelate.inspection.statistics import LONGEST, RATIO_BINS, RATIO_LIMIT, Counts, LengthCounts

BARS = 32
"""Bars of a histogram of lengths, of equal width on a logarithmic scale."""


def length_figure(kept: LengthCounts, dropped: LengthCounts, names: tuple[str, str]) -> Figure:
    """Draws the lengths of both sides, of pairs that are kept and that are dropped.

    `names` are those of the source and the target language.
    """
    with style():
        figure = new_figure(6.4, 5.6)
        figure.set_layout_engine("constrained")
        upper, lower = figure.subplots(2, 1, sharex=True)
        _draw_lengths(upper, {"kept": kept.sources, "dropped": dropped.sources})
        _draw_lengths(lower, {"kept": kept.targets, "dropped": dropped.targets})
        for axes, side, name in ((upper, "Source", names[0]), (lower, "Target", names[1])):
            axes.set_title(f"{side}, {name}", loc="left")
        lower.set_xlabel(f"characters ({LONGEST:,}: as many or more)")
        upper.legend(loc="upper right")
    return figure


def ratio_figure(kept: LengthCounts, dropped: LengthCounts, typical: float, most: float) -> Figure:
    """Draws the ratio of the widths of target and source, with the limits of the rule unbalanced:
    `most` times above and below the `typical` ratio.
    """
    with style():
        figure = new_figure(6.4, 3.4)
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        edges = np.linspace(-RATIO_LIMIT, RATIO_LIMIT, RATIO_BINS + 1)
        _draw_stairs(axes, edges, {"kept": kept.ratios, "dropped": dropped.ratios})
        for limit in (typical / most, typical * most):
            if abs(np.log2(limit)) < RATIO_LIMIT:
                axes.axvline(float(np.log2(limit)), color=GREY, linestyle=":", linewidth=1.2)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{2**x:g}"))
        axes.set_xlabel("width of the target / width of the source (dotted: limits of unbalanced)")
        axes.set_title("Ratio of lengths", loc="left")
        axes.legend(loc="upper right")
    return figure


def inline_png(figure: Figure, folder: Path) -> str:
    """Returns the picture as an address that contains it; `folder` is for a temporary file."""
    path = folder / "figure.png"
    write_png(figure, path)
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _draw_lengths(axes: Axes, counts: Mapping[str, Counts]) -> None:
    edges = np.unique(np.rint(np.geomspace(1, LONGEST + 1, BARS + 1)).astype(int))
    bars = {name: np.add.reduceat(numbers, edges[:-1]) for name, numbers in counts.items()}
    _draw_stairs(axes, edges, bars)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _draw_stairs(axes: Axes, edges: NDArray[Any], bars: Mapping[str, Counts]) -> None:
    for (name, numbers), color in zip(bars.items(), (BLUE, VERMILION), strict=True):
        axes.stairs(numbers, edges, label=name, color=color, fill=name == "kept", alpha=0.85)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_ylabel("pairs")
    axes.grid(True, axis="y")
