"""Pictures of attention, training and scores.

Each `…_figure` gives a matplotlib Figure that belongs to no global state; `write_png` stores it,
with the same bytes for the same input, fonts and matplotlib.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray

from tracelate.evaluation.comparison import LengthDifference
from tracelate.evaluation.metrics import LengthBucket, SentenceScores
from tracelate.files import whole_file

DOTS_PER_INCH = 144
LONGEST_SIDE_DOTS = 30_000  # Agg draws up to 65,536, and viewers give up earlier
CELL_INCHES = 0.3
LONGEST_WORD = 18
LONGEST_NAME = 28

# Wong's colours (Nature Methods 8, 2011), told apart with any colour vision
BLUE, LIGHT_BLUE, VERMILION, GREY = "#0072B2", "#56B4E9", "#D55E00", "#6B6B6B"
ORANGE = "#E69F00"

# in this order, where installed, for what DejaVu has no glyph for
FALLBACK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Arial Unicode MS",
    "Noto Emoji",
    "Symbola",
)

STYLE = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.labelcolor": GREY,
    "axes.edgecolor": "#9A9A9A",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.8,
    "xtick.color": "#9A9A9A",
    "ytick.color": "#9A9A9A",
    "xtick.labelcolor": "#222222",
    "ytick.labelcolor": "#222222",
    "legend.frameon": False,
    "text.parse_math": False,  # $ and _ are text here
}


def attention_figure(
    weights_TS: NDArray[np.floating],
    target_words: Sequence[str],
    source_words: Sequence[str],
    scores: SentenceScores,
) -> Figure:
    """Which source words (columns) each target word (row) looked at, from 0 to 1.

    Every cell has the same size, whatever the sentence's length. Raises ValueError if the matrix
    is not target words by source words, or has no words.
    """
    shape = (len(target_words), len(source_words))
    if weights_TS.shape != shape or 0 in shape:
        raise ValueError(
            f"attention weights have shape {weights_TS.shape}, the words {shape} (target, source)"
        )
    height, width = (count * CELL_INCHES for count in shape)
    with _style():
        figure = _figure(width, height)
        axes = figure.add_axes((0, 0, 1, 1))
        image = axes.imshow(weights_TS, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
        axes.set_xticks(
            range(shape[1]),
            [_shorten(word) for word in source_words],
            rotation=45,
            ha="left",
            rotation_mode="anchor",
        )
        axes.set_yticks(range(shape[0]), [_shorten(word) for word in target_words])
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
    return figure


def training_figure(
    train: Sequence[Mapping[str, float]], valid: Sequence[Mapping[str, float]]
) -> Figure:
    """Loss and BLEU over optimiser steps, with the step of the best validation BLEU marked.

    `train` rows have step and train_loss, `valid` rows step, valid_loss and valid_bleu (percent);
    more columns are welcome. Of equal BLEU scores, the first is the best. Either may be empty.
    """
    with _style():
        figure = _figure(8, 6)
        figure.set_layout_engine("constrained")
        loss_axes, bleu_axes = figure.subplots(2, 1, sharex=True)
        train_steps, train_losses = _column(train, "step"), _column(train, "train_loss")
        valid_steps, valid_losses = _column(valid, "step"), _column(valid, "valid_loss")
        bleus = _column(valid, "valid_bleu")

        loss_axes.plot(
            train_steps,
            train_losses,
            color=BLUE,
            linewidth=1.2,
            label="training (with dropout and label smoothing)",
        )
        loss_axes.plot(
            valid_steps, valid_losses, color=VERMILION, marker="o", markersize=4, label="validation"
        )
        loss_axes.set_title("Loss", loc="left")
        loss_axes.set_ylabel("nats a token")
        loss_axes.legend(loc="upper right")

        bleu_axes.plot(valid_steps, bleus, color=VERMILION, marker="o", markersize=4)
        bleu_axes.set_title("Validation BLEU", loc="left")
        bleu_axes.set_ylabel("percent")
        bleu_axes.set_xlabel("optimiser step")
        bleu_axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        bleu_axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        bleu_axes.set_ylim(0, 1.2 * max(bleus, default=0) or 1)
        for axes in (loss_axes, bleu_axes):
            axes.grid(True, axis="y")
        if bleus:
            best = bleus.index(max(bleus))
            for axes in (loss_axes, bleu_axes):
                axes.axvline(valid_steps[best], color=GREY, linestyle=":", linewidth=1.2, zorder=1)
            bleu_axes.plot(
                valid_steps[best],
                bleus[best],
                marker="o",
                markersize=9,
                color=VERMILION,
                markeredgecolor="white",
                markeredgewidth=1.5,
                linestyle="none",
            )
            left = valid_steps[best] < sum(bleu_axes.get_xlim()) / 2
            bleu_axes.annotate(
                f"best: {bleus[best]:.1f} at step {valid_steps[best]:,.0f}",
                (valid_steps[best], bleus[best]),
                xytext=(8 if left else -8, 9),
                textcoords="offset points",
                ha="left" if left else "right",
                fontweight="bold",
            )
    return figure


def source_length_figure(buckets: Sequence[LengthBucket]) -> Figure:
    """BLEU by source length: a bar a bucket, with its 95 % interval and number of sentences."""
    with _style():
        figure = _figure(max(5.0, 1.0 + 1.25 * len(buckets)), 4)
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        for place, bucket in enumerate(buckets):
            if bucket.bleu is None:
                _annotate_too_few(axes, place)
                continue
            score = bucket.bleu
            axes.bar(place, score.value, width=0.62, color=LIGHT_BLUE)
            axes.plot([place, place], [score.low, score.high], color="#222222", linewidth=1.6)
            axes.annotate(
                f"{score.value:.1f}",
                (place, max(score.high, score.value)),
                xytext=(0, 5),
                textcoords="offset points",
                ha="center",
                fontweight="bold",
            )
        _label_buckets(axes, buckets)
        tops = [bucket.bleu.high for bucket in buckets if bucket.bleu is not None]
        axes.set_ylim(0, 1.15 * max(tops, default=0) or 1)
        axes.set_ylabel("BLEU, percent")
        axes.set_title("BLEU by source length, with 95 % intervals", loc="left")
        axes.grid(True, axis="y")
    return figure


def length_difference_figure(buckets: Sequence[LengthDifference], a: str, b: str) -> Figure:
    """How much better system b is than a by source length: a bar a bucket from zero, upwards where
    b is better, with its 95 % interval.
    """
    with _style():
        figure = _figure(max(5.0, 1.0 + 1.25 * len(buckets)), 4)
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        axes.axhline(0, color=GREY, linewidth=1)
        reach = 0.0
        for place, bucket in enumerate(buckets):
            if bucket.difference is None:
                _annotate_too_few(axes, place)
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
        _label_buckets(axes, buckets)
        axes.set_ylim(-1.25 * reach or -1, 1.25 * reach or 1)
        axes.yaxis.set_major_formatter(lambda value, _: _signed(value, "+g") if value else "0")
        axes.set_ylabel("difference of BLEU, percent")
        axes.set_title("BLEU by source length: the difference, with 95 % intervals\n", loc="left")
        axes.text(
            0,
            1.02,
            f"up: {_shorten(b, LONGEST_NAME)} is better · "
            f"down: {_shorten(a, LONGEST_NAME)} is better",
            transform=axes.transAxes,
            color=GREY,
        )
        axes.grid(True, axis="y")
    return figure


def write_png(figure: Figure, path: Path) -> None:
    """Writes the figure, cut to what is drawn. Glyphs that no font has become boxes."""
    dots_per_inch = min(DOTS_PER_INCH, LONGEST_SIDE_DOTS / max(figure.get_size_inches()))
    with _style(), warnings.catch_warnings(), whole_file(path) as temporary:
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(
            temporary,
            format="png",
            dpi=dots_per_inch,
            bbox_inches="tight",
            pad_inches=0.2,
            metadata={"Software": None},  # it would name matplotlib's version
        )


@contextmanager
def _style() -> Iterator[None]:
    """Our style over matplotlib's defaults, whatever the user's own settings are."""
    installed = set(font_manager.get_font_names())
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        matplotlib.rcParams["font.family"] = [
            "DejaVu Sans",
            *(font for font in FALLBACK_FONTS if font in installed),
        ]
        yield


def _figure(width_inches: float, height_inches: float) -> Figure:
    figure = Figure(figsize=(width_inches, height_inches), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _column(rows: Sequence[Mapping[str, float]], name: str) -> list[float]:
    return [row[name] for row in rows]


def _shorten(word: str, longest: int = LONGEST_WORD) -> str:
    return word if len(word) <= longest else word[: longest - 1] + "…"


def _signed(value: float, form: str) -> str:
    return format(value, form).replace("-", "−")  # as matplotlib's own


def _annotate_too_few(axes: Axes, place: int) -> None:
    axes.annotate(
        "too few",
        (place, 0),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        color=GREY,
        style="italic",
    )


def _label_buckets(axes: Axes, buckets: Sequence[LengthBucket | LengthDifference]) -> None:
    axes.set_xticks(range(len(buckets)), [_bucket_label(bucket) for bucket in buckets])
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.6, len(buckets) - 0.4)
    axes.set_xlabel("words in the source")


def _bucket_label(bucket: LengthBucket | LengthDifference) -> str:
    if bucket.longest is None:
        words = f"{bucket.shortest}+"
    elif bucket.longest == bucket.shortest:
        words = f"{bucket.shortest}"
    else:
        words = f"{bucket.shortest}–{bucket.longest}"
    return f"{words}\n{bucket.sentences:,} sentence{'' if bucket.sentences == 1 else 's'}"
