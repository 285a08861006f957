"""Figures of training curves and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from tracelate.evaluation.figures.style import (
    BLUE,
    GREY,
    LIGHT_BLUE,
    VERMILION,
    new_figure,
    style,
)
from tracelate.evaluation.metrics import LengthBucket


class LengthRange(Protocol):
    """The test sentences whose source has `shortest` to `longest` words."""

    @property
    def shortest(self) -> int: ...
    @property
    def longest(self) -> int | None:
        """None: no limit."""

    @property
    def sentences(self) -> int: ...


def training_figure(
    train: Sequence[Mapping[str, float]],
    valid: Sequence[Mapping[str, float]],
    kept_step: int | None = None,
) -> Figure:
    """Draws loss and BLEU over optimiser steps, and marks the best validation BLEU.

    `train` rows have step and train_loss; `valid` rows have step, valid_loss and valid_bleu
    (percent). Other columns are ignored. The first of equal BLEU scores is marked, or the weights
    of `kept_step` if something else than BLEU chose them. `train` and `valid` may be empty.
    """
    with style():
        figure = new_figure(8, 6)
        figure.set_layout_engine("constrained")
        loss_axes, bleu_axes = figure.subplots(2, 1, sharex=True)
        trained = [row for row in train if "train_loss" in row]  # a skipped step has none
        train_steps, train_losses = _column(trained, "step"), _column(trained, "train_loss")
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
            best, title = bleus.index(max(bleus)), "best"
            if kept_step in valid_steps:
                best, title = valid_steps.index(kept_step), "kept"
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
                f"{title}: {bleus[best]:.1f} at step {valid_steps[best]:,.0f}",
                (valid_steps[best], bleus[best]),
                xytext=(8 if left else -8, 9),
                textcoords="offset points",
                ha="left" if left else "right",
                fontweight="bold",
            )
    return figure


def source_length_figure(buckets: Sequence[LengthBucket]) -> Figure:
    """Draws BLEU by source length: one bar per bucket, with its 95 % interval."""
    with style():
        figure = new_figure(max(5.0, 1.0 + 1.25 * len(buckets)), 4)
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        for place, bucket in enumerate(buckets):
            if bucket.bleu is None:
                annotate_too_few(axes, place)
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
        label_buckets(axes, buckets)
        tops = [bucket.bleu.high for bucket in buckets if bucket.bleu is not None]
        axes.set_ylim(0, 1.15 * max(tops, default=0) or 1)
        axes.set_ylabel("BLEU, percent")
        axes.set_title("BLEU by source length, with 95 % intervals", loc="left")
        axes.grid(True, axis="y")
    return figure


def _column(rows: Sequence[Mapping[str, float]], name: str) -> list[float]:
    return [row[name] for row in rows]


def annotate_too_few(axes: Axes, place: int) -> None:
    """Marks a bucket that has too few sentences for a score."""
    axes.annotate(
        "too few",
        (place, 0),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        color=GREY,
        style="italic",
    )


def label_buckets(axes: Axes, buckets: Sequence[LengthRange]) -> None:
    """Labels the horizontal axis with each bucket's source lengths and number of sentences."""
    axes.set_xticks(range(len(buckets)), [_bucket_label(bucket) for bucket in buckets])
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.6, len(buckets) - 0.4)
    axes.set_xlabel("words in the source")


def _bucket_label(bucket: LengthRange) -> str:
    if bucket.longest is None:
        words = f"{bucket.shortest}+"
    elif bucket.longest == bucket.shortest:
        words = f"{bucket.shortest}"
    else:
        words = f"{bucket.shortest}–{bucket.longest}"
    return f"{words}\n{bucket.sentences:,} sentence{'' if bucket.sentences == 1 else 's'}"
