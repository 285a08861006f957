"""Figures of attention weights between source and target words.

Shapes: W target words, V source words.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from tracelate.evaluation.figures.style import VERMILION, new_figure, shorten, style
from tracelate.evaluation.metrics import SentenceScores
from tracelate.evaluation.word_attention import WordAttention
from tracelate.model.attention.local import WINDOW

CELL_INCHES = 0.3
SMALL_CELL_INCHES = 0.12
PARTS_IN_A_ROW = 4
PART_GAP_INCHES = 0.35
SHORTEST_TITLE_INCHES = 0.5
LONGEST_WORD = 18


def attention_figure(seen: WordAttention, scores: SentenceScores) -> Figure:
    """Draws attention weights from 0 to 1, a row for each target and a column for each source word.

    The window of local attention is outlined, and each head or hop is a small matrix below. All
    cells have the same size, independent of the sentence's length. Raises ValueError if the shape
    of a matrix is not target words by source words, or if there are no words.
    """
    shape = (len(seen.target_words), len(seen.source_words))
    for weights_WV in (seen.weights_WV, *seen.views.values()):
        if weights_WV.shape != shape or 0 in shape:
            raise ValueError(
                f"attention weights have shape {weights_WV.shape}, "
                f"the words {shape} (target, source)"
            )
    height, width = (count * CELL_INCHES for count in shape)
    with style():
        figure = new_figure(width, height)
        axes = figure.add_axes((0, 0, 1, 1))
        image = axes.imshow(seen.weights_WV, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
        axes.set_xticks(
            range(shape[1]),
            [shorten(word, LONGEST_WORD) for word in seen.source_words],
            rotation=45,
            ha="left",
            rotation_mode="anchor",
        )
        axes.set_yticks(
            range(shape[0]), [shorten(word, LONGEST_WORD) for word in seen.target_words]
        )
        axes.set_xticks(np.arange(0.5, shape[1] - 1), minor=True)
        axes.set_yticks(np.arange(0.5, shape[0] - 1), minor=True)
        axes.grid(which="minor", axis="both", color="white", linewidth=1.5)
        axes.tick_params(which="both", length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("source", loc="left")
        axes.set_ylabel("translation", loc="top")
        axes.set_title(
            f"sentence BLEU {scores.bleu:.1f} · chrF {scores.chrf:.1f}", loc="left", pad=10
        )

        bar_height = min(max(height, 4 * CELL_INCHES), 8 * CELL_INCHES)  # room for its label
        bar_axes = figure.add_axes(
            (1 + 0.2 / width, 1 - bar_height / height, 0.13 / width, bar_height / height)
        )
        bar = figure.colorbar(image, cax=bar_axes, ticks=[0, 0.5, 1])
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0)
        bar.set_label("attention weight")
        if WINDOW in seen.views:
            _outline(axes, seen.views[WINDOW])
        parts = [name for name in seen.views if not name.endswith(WINDOW)]
        for number, name in enumerate(parts):
            part = _draw_part(figure, seen.views[name], name, *divmod(number, PARTS_IN_A_ROW))
            if (window := f"{name}, {WINDOW}") in seen.views:
                _outline(part, seen.views[window])
    return figure


def _outline(axes: Axes, window_WV: NDArray[np.floating]) -> None:
    """Draws a frame around the source words in the window of each target word."""
    for row, window_V in enumerate(window_WV):
        inside = np.flatnonzero(window_V)
        if len(inside):
            corner = (inside[0] - 0.5, row - 0.5)
            span = inside[-1] - inside[0] + 1
            frame = Rectangle(corner, span, 1, fill=False, edgecolor=VERMILION, linewidth=1)
            axes.add_patch(frame)


def _draw_part(
    figure: Figure, weights_WV: NDArray[np.floating], name: str, row: int, column: int
) -> Axes:
    """Draws the weights of one head or hop below the main matrix."""
    width, height = figure.get_size_inches()
    part_height, part_width = (count * SMALL_CELL_INCHES for count in weights_WV.shape)
    left = column * (max(part_width, SHORTEST_TITLE_INCHES) + PART_GAP_INCHES)
    bottom = -(row + 1) * (part_height + PART_GAP_INCHES)
    axes = figure.add_axes(
        (left / width, bottom / height, part_width / width, part_height / height)
    )
    axes.imshow(weights_WV, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.set_title(name, loc="left", fontsize=8, fontweight="normal", pad=3)
    return axes
