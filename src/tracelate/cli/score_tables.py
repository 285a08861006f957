"""Table of the scores of one system, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from tracelate.evaluation.metrics import Score
from tracelate.metric_table import titled_direction


def scores_table(scores: Sequence[Score], sentences: int) -> Table:
    """Returns a row for each metric: the score, its interval and its signature."""
    table = Table(title=f"Scores on {sentences:,} sentences", title_justify="left")
    table.add_column("")
    table.add_column("score", justify="right")
    table.add_column("95 % interval", justify="right", no_wrap=True)
    table.add_column("sacrebleu's signature")
    for score in scores:
        table.add_row(
            titled_direction(score.name),
            f"{score.value:.2f}",
            f"{score.low:.2f} to {score.high:.2f}",
            escape(score.signature),
        )
    return table


def scores_document(scores: Sequence[Score], sentences: int, sha256: str) -> dict[str, Any]:
    """Returns the scores as JSON values, in percent."""
    return {
        **{
            score.name: {name: one for name, one in score._asdict().items() if name != "name"}
            for score in scores
        },
        "test": {"sentences": sentences, "sha256": sha256},
    }
