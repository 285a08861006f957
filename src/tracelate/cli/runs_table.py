"""The table of runs, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.cells import cell_len
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tracelate.metric_table import METRICS
from tracelate.printable import printable_line
from tracelate.tracking.references.references import SHORT_ID
from tracelate.tracking.run_table import RunRow, RunScore, RunTable, settings_that_differ

RIGHT = ("#", "size", "tokens/s")
OPTIONAL = ("test set", "started", "commit", "tokens/s", "pair", "size", "status")
"""Columns that are left out of a narrow table first, in this order."""
OPTIONAL_LAST = ("cell", "settings")
"""Columns that are left out after all metrics but the main one."""
NEVER_IN_COMMON = ("alike", "#", "run", "name")
"""Columns that are shown for each run, even if all runs have the same value."""
MOST_SETTINGS = 4
"""Differing settings of a run that the table shows."""
STATUS_STYLES = {"finished": "green", "failed": "red", "killed": "red", "running": "yellow"}


def table_of_runs(
    found: RunTable, *, ranked_by: str | None, with_experiment: bool, width: int
) -> Table:
    """Returns the table of runs, which is at most `width` characters wide.

    `ranked_by` is the key of the metric that the table is sorted by, or None. Values that all runs
    share are shown once, below the table. If the table is still too wide, columns are left out and
    named below it; no cell is cut.
    """
    titles = [metric.title for metric in METRICS.values()]
    kept = _main_metric(ranked_by)
    settings = settings_that_differ(found.rows)
    cells = [
        _cells(row, rank, differing, ranked_by, with_experiment)
        for row, rank, differing in zip(found.rows, found.ranks, settings, strict=True)
    ]
    common = _common(cells, never=(*NEVER_IN_COMMON, kept))
    columns = [column for column in cells[0] if column not in common]
    left_out = []
    others = [title for title in reversed(titles) if title != kept]
    for column in (*OPTIONAL, *others, *OPTIONAL_LAST):
        if _width(columns, cells) > width and column in columns:
            columns.remove(column)
            left_out.append(column)
    notes = [f"All: {_listed(common)}."] if any(common.values()) else []
    if left_out:
        notes.append(f"A wider terminal, or --json, shows {', '.join(left_out)} too.")
    table = Table(caption=" ".join([*notes, *_notes(found, ranked_by)]), caption_justify="left")
    for column in columns:
        is_number = column in RIGHT or column in titles
        table.add_column(column, justify="right" if is_number else "left")
    for row, texts, after in zip(found.rows, cells, [*found.rows[1:], None], strict=True):
        ends_group = ranked_by is not None and after is not None and after.group != row.group
        table.add_row(*(texts[column] for column in columns), end_section=ends_group)
    return table


def _width(columns: Sequence[str], cells: Sequence[Mapping[str, str]]) -> int:
    """Returns the width of a table of these columns in characters, with its borders."""
    texts = (
        [column, *(Text.from_markup(row[column]).plain for row in cells)] for column in columns
    )
    return 1 + sum(3 + max(cell_len(text) for text in column) for column in texts)


def _main_metric(ranked_by: str | None) -> str:
    """Returns the title of the metric that is always shown, with its interval."""
    return METRICS[ranked_by or next(iter(METRICS))].title


def _common(cells: Sequence[Mapping[str, str]], never: Sequence[str]) -> dict[str, str]:
    """Returns the columns in which several runs are equal; for one run, those that are empty."""
    first, *others = cells
    return {
        column: text
        for column, text in first.items()
        if column not in never
        and (others or not text)
        and all(other[column] == text for other in others)
    }


def _listed(common: Mapping[str, str]) -> str:
    return ", ".join(f"{column} {text}" for column, text in common.items() if text)


def _cells(
    row: RunRow,
    rank: int | None,
    differing: Mapping[str, str],
    ranked_by: str | None,
    with_experiment: bool,
) -> dict[str, str]:
    style = STATUS_STYLES.get(row.status, "default")
    return {
        "alike": row.group or "",
        **({"#": "" if rank is None else str(rank)} if ranked_by is not None else {}),
        "run": _shown(row.run_id[:SHORT_ID]),
        "name": _shown(row.name),
        **({"experiment": _shown(row.experiment)} if with_experiment else {}),
        "pair": _shown(row.pair or ""),
        "test set": _shown((row.test_sha256 or "")[:SHORT_ID]),
        "attention": _shown(row.attention or ""),
        "cell": _shown(row.cell or ""),
        "size": "" if row.hidden_size is None else str(row.hidden_size),
        "settings": _shown(_listed_settings(differing)),
        **{
            metric.title: _score(
                row.scores.get(key), with_interval=metric.title == _main_metric(ranked_by)
            )
            for key, metric in METRICS.items()
        },
        "tokens/s": "" if row.tokens_per_s is None else f"{row.tokens_per_s:,.0f}",
        "commit": f"{_shown((row.commit or '')[:7])}{'*' if row.dirty else ''}",
        "status": f"[{style}]{row.status}[/]",
        "started": f"{datetime.fromisoformat(row.started).astimezone():%Y-%m-%d %H:%M}",
    }


def _listed_settings(settings: Mapping[str, str]) -> str:
    shown = [f"{name} {value}" for name, value in list(settings.items())[:MOST_SETTINGS]]
    if len(settings) > MOST_SETTINGS:
        shown.append(f"{len(settings) - MOST_SETTINGS} more (--json)")
    return ", ".join(shown)


def _shown(text: str) -> str:
    """Returns a text as markup that shows it, and has the width that is printed."""
    return escape(printable_line(text))


def _notes(found: RunTable, ranked_by: str | None) -> list[str]:
    notes = ["Runs with the same letter have the same test set and scoring: compare only those."]
    if found.groups > 1:
        notes.append(f"Runs are ranked (#) by {ranked_by} among those with the same letter.")
    if any(row.dirty for row in found.rows):
        notes.append("*: files differed from the commit.")
    if found.left_out:
        notes.append(f"{found.left_out:,} more runs: raise --limit.")
    return notes


def _score(score: RunScore | None, *, with_interval: bool) -> str:
    if score is None:
        return ""
    if with_interval and score.low is not None and score.high is not None:
        return f"{score.value:.1f} ({score.low:.1f}–{score.high:.1f})"
    return f"{score.value:.1f}"
