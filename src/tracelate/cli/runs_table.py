"""The table of runs as a person reads it on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.cells import cell_len
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tracelate.tracking.references import SHORT_ID
from tracelate.tracking.run_table import RunRow, RunTable

RIGHT = ("#", "size", "BLEU", "chrF", "TER", "tokens/s")
DISPENSABLE = (
    "test set",
    "started",
    "commit",
    "tokens/s",
    "pair",
    "size",
    "status",
    "chrF",
    "cell",
)
"""Columns that a narrow terminal goes without, in this order."""
NEVER_IN_COMMON = ("alike", "#", "run", "name", "BLEU")
STATUS_STYLES = {"finished": "green", "failed": "red", "killed": "red", "running": "yellow"}


def table_of_runs(
    found: RunTable, *, ranked_by: str | None, with_experiment: bool, width: int
) -> Table:
    """`ranked_by` is the score that the table is sorted by, if it is one; `width` in characters.

    What all runs have in common is said once, below the table. Where the width is still too small,
    columns are left out, and said to be, rather than cut.
    """
    cells = [
        _cells(row, rank, ranked_by, with_experiment)
        for row, rank in zip(found.rows, found.ranks, strict=True)
    ]
    common = _common(cells)
    columns = [column for column in cells[0] if column not in common]
    left_out = []
    for column in DISPENSABLE:
        if _width(columns, cells) > width and column in columns:
            columns.remove(column)
            left_out.append(column)
    notes = [f"All: {_listed(common)}."] if any(common.values()) else []
    if left_out:
        notes.append(f"A wider terminal, or --json, shows {', '.join(left_out)} too.")
    table = Table(caption=" ".join([*notes, *_notes(found, ranked_by)]), caption_justify="left")
    for column in columns:
        table.add_column(column, justify="right" if column in RIGHT else "left")
    for row, texts, after in zip(found.rows, cells, [*found.rows[1:], None], strict=True):
        ends_group = ranked_by is not None and after is not None and after.group != row.group
        table.add_row(*(texts[column] for column in columns), end_section=ends_group)
    return table


def _width(columns: Sequence[str], cells: Sequence[Mapping[str, str]]) -> int:
    """Of a table of them in characters, borders included."""
    texts = (
        [column, *(Text.from_markup(row[column]).plain for row in cells)] for column in columns
    )
    return 1 + sum(3 + max(cell_len(text) for text in column) for column in texts)


def _common(cells: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The columns in which several runs are all the same; of one run, those that are empty."""
    first, *others = cells
    return {
        column: text
        for column, text in first.items()
        if column not in NEVER_IN_COMMON
        and (others or not text)
        and all(other[column] == text for other in others)
    }


def _listed(common: Mapping[str, str]) -> str:
    return ", ".join(f"{column} {text}" for column, text in common.items() if text)


def _cells(
    row: RunRow, rank: int | None, ranked_by: str | None, with_experiment: bool
) -> dict[str, str]:
    style = STATUS_STYLES.get(row.status, "default")
    bleu = _number(row.bleu)
    if row.bleu_low is not None and row.bleu_high is not None:
        bleu += f" ({row.bleu_low:.1f}–{row.bleu_high:.1f})"
    return {
        "alike": row.group or "",
        **({"#": "" if rank is None else str(rank)} if ranked_by is not None else {}),
        "run": row.run_id[:SHORT_ID],
        "name": escape(row.name),
        **({"experiment": escape(row.experiment)} if with_experiment else {}),
        "pair": escape(row.pair or ""),
        "test set": (row.test_sha256 or "")[:SHORT_ID],
        "attention": escape(row.attention or ""),
        "cell": escape(row.cell or ""),
        "size": "" if row.hidden_size is None else str(row.hidden_size),
        "BLEU": bleu,
        "chrF": _number(row.chrf),
        **({"TER": _number(row.ter)} if ranked_by == "ter" else {}),
        "tokens/s": "" if row.tokens_per_s is None else f"{row.tokens_per_s:,.0f}",
        "commit": f"{(row.commit or '')[:7]}{'*' if row.dirty else ''}",
        "status": f"[{style}]{row.status}[/]",
        "started": f"{datetime.fromisoformat(row.started).astimezone():%Y-%m-%d %H:%M}",
    }


def _notes(found: RunTable, ranked_by: str | None) -> list[str]:
    notes = [
        "Runs with the same letter were scored alike on the same test set: compare only those."
    ]
    if found.groups > 1:
        notes.append(f"By {ranked_by}, each ranks (#) among its own letter alone.")
    if any(row.dirty for row in found.rows):
        notes.append("*: files differed from that commit.")
    if found.left_out:
        notes.append(f"{found.left_out:,} more: raise --limit.")
    return notes


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
