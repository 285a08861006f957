"""Tables of a comparison, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tracelate.comparison.compare import ChangedSentence, Comparison, most_changed
from tracelate.comparison.describe import confidence, shortage, shown_interval
from tracelate.comparison.settings import shown_settings
from tracelate.comparison.significance import Significance
from tracelate.metric_table import METRICS, metric_title

VERDICTS = {
    "better": "[green]B better[/]",
    "worse": "[red]A better[/]",
    "not shown": "not shown",
}


def print_comparison(console: Console, comparison: Comparison, sentences: int) -> None:
    """Prints scores and verdicts, and up to `sentences` that changed most for better and worse."""
    a, b, scores, _, changes = comparison
    total = len(a.rows)
    for letter, evidence in (("A", a), ("B", b)):
        console.print(f"[bold]{letter}[/]  {escape(evidence.name)}", soft_wrap=True)
    _print_settings(console, comparison)
    console.print(score_table(scores))
    for one in scores:
        if (reason := shortage(one)) is not None:
            console.print(f"{metric_title(one.metric)}: {reason}.", soft_wrap=True)
    if comparison.identical:
        console.print(f"Both translations of all {total:,} sentences are the same.")
        return
    improved, worsened = most_changed(changes, sentences)
    for title, shown in (("better", improved), ("worse", worsened)):
        if shown:
            console.print(sentence_table(f"Sentences for which B is {title}, by chrF", shown))
    console.print(f"{len(changes):,} of {total:,} sentences are translated differently.")


def _print_settings(console: Console, comparison: Comparison) -> None:
    if comparison.settings is None:
        evidence = (("A", comparison.a), ("B", comparison.b))
        unknown = " and ".join(letter for letter, one in evidence if one.params is None)
        console.print(f"The settings of {unknown} are not known: its files have no lineage.json.")
    elif not any(comparison.settings):
        console.print("No setting that changes a result differs.")
    else:
        console.print(settings_table(comparison.settings))


def settings_table(settings: Sequence[Mapping[str, str]]) -> Table:
    """Returns a row for each setting that differs, with the values of A and B."""
    of_a, of_b = shown_settings(settings)
    table = Table(title="Settings that differ", title_justify="left")
    for column in ("", "A", "B"):
        table.add_column(column)
    for name in {**of_a, **of_b}:
        table.add_row(*(escape(text) for text in (name, of_a.get(name, ""), of_b.get(name, ""))))
    return table


def score_table(scores: Sequence[Significance]) -> Table:
    """Returns a row for each metric: both scores, the difference, both tests and the verdict."""
    drawn, level = scores[0].resampling, scores[0].level
    lower = [METRICS[one.metric] for one in scores if not METRICS[one.metric].higher_is_better]
    directions = "".join(f" {metric.title}: {metric.direction}." for metric in lower)
    table = Table(
        title=f"Scores on {scores[0].sentences:,} test sentences",
        caption=(
            f"A difference is shown if p < {level:g} in both tests: the paired bootstrap "
            f"({drawn.bootstrap_samples:,} samples) and paired approximate randomisation "
            f"({drawn.randomisations:,} trials), seed {drawn.seed}. The interval is that of both "
            f"tests, and then excludes 0.{directions}"
        ),
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("")
    for column in ("A", "B", "B - A", f"{confidence(level)} interval", "p of both tests"):
        table.add_column(column, justify="right", no_wrap=column != "p of both tests")
    table.add_column("verdict", no_wrap=True)
    for one in scores:
        table.add_row(
            metric_title(one.metric),
            f"{one.a:.2f}",
            f"{one.b:.2f}",
            f"{one.difference:+z.2f}",
            shown_interval(one),
            f"{one.p_bootstrap:.4f}, {one.p_randomisation:.4f}",
            VERDICTS[one.verdict],
        )
    return table


def sentence_table(title: str, changes: Sequence[ChangedSentence]) -> Table:
    """Returns a row for each sentence: the change of chrF, and the four texts."""
    table = Table(title=title, title_justify="left", show_lines=True)
    table.add_column("chrF", justify="right", no_wrap=True)
    for column in ("source", "reference", "A", "B"):
        table.add_column(column, ratio=1)
    for change in changes:
        texts = (change.source, change.reference, change.a, change.b)
        table.add_row(f"{change.chrf_change:+z.1f}", *(escape(text) for text in texts))
    return table
