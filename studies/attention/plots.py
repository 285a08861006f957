"""The two figures of the study."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from studies.attention.outcome import Outcome
from tracelate.evaluation.figures.style import BLUE, GREY, VERMILION, new_figure, style

BASELINE = "none"


def bleu_figure(outcome: Outcome) -> Figure:
    """Draws BLEU of each variant with its interval and a stroke for each seed, the best on top."""
    variants = outcome.variants
    ranked = sorted(variants, key=lambda name: variants[name].bleu.value)
    with style():
        figure = new_figure(8, 1.2 + 0.38 * len(ranked))
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        for place, name in enumerate(ranked):
            value, low, high = variants[name].bleu.interval
            color = GREY if name == BASELINE else BLUE
            axes.plot([low, high], [place, place], color=color, linewidth=2)
            axes.plot(value, place, marker="o", markersize=8, color=color)
            seeds = variants[name].bleu_of_seeds
            axes.plot(
                seeds, [place] * len(seeds), marker="|", color="#222222", linestyle="none", zorder=3
            )
            axes.annotate(
                f"{value:.1f}",
                (high, place),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontweight="bold",
            )
        axes.set_yticks(range(len(ranked)), ranked)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(-0.7, len(ranked) - 0.3)
        axes.set_xlim(0, 1.12 * max(one.bleu.interval.high for one in variants.values()))
        axes.set_xlabel("BLEU, percent: mean over seeds, 95 % interval; a stroke for each seed")
        axes.set_title("What each variant of attention brings", loc="left")
        axes.grid(True, axis="x")
    return figure


def source_length_figure(outcome: Outcome, named: Sequence[str]) -> Figure:
    """Draws BLEU by source length: `named` variants in colour with intervals, others in grey."""
    colors = dict(zip(named, (VERMILION, BLUE, "#009E73", "#CC79A7", "#E69F00"), strict=False))
    places = range(len(outcome.buckets))
    with style():
        figure = new_figure(9, 4.5)
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        for name, variant in outcome.variants.items():
            if name not in colors:
                values = [bucket.value for bucket in variant.bleu_by_length]
                axes.plot(places, values, color="#C9C9C9", linewidth=1, zorder=1)
        for name, color in colors.items():
            intervals = [one.interval for one in outcome.variants[name].bleu_by_length]
            axes.plot(places, [one.value for one in intervals], color=color, marker="o", label=name)
            axes.fill_between(
                places,
                [one.low for one in intervals],
                [one.high for one in intervals],
                color=color,
                alpha=0.15,
                linewidth=0,
            )
        axes.plot([], [], color="#C9C9C9", label="the other variants")
        labels = [f"{one.label}\n{one.sentences:,} sentences" for one in outcome.buckets]
        axes.set_xticks(places, labels)
        axes.set_ylim(bottom=0)
        axes.set_ylabel("BLEU, percent")
        axes.set_xlabel("words in the source")
        axes.set_title("BLEU by source length, with 95 % intervals", loc="left")
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
        axes.grid(True, axis="y")
    return figure
