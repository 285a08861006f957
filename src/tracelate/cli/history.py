"""Listing the moves of an alias: history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from tracelate.cli.console import print_json, print_line, result_console
from tracelate.cli.options import AliasOption, JsonOption, NameOption
from tracelate.config import load_params

if TYPE_CHECKING:
    from rich.table import Table

    from tracelate.registry.alias_history import Event
    from tracelate.registry.unrecorded_moves import UnrecordedMove

app = typer.Typer()
NOT_RECORDED = "not recorded"
"""Kind of a move that Tracelate did not make."""


@app.command(epilog="Example: `tracelate history --alias champion --json`")
def history(
    alias: AliasOption = "champion",
    name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the versions that the alias has pointed at, with time, reason and user.

    A move that no promotion or rollback has recorded, such as one in MLflow's own pages, is listed
    as `not recorded` between the events that it was made between.
    """
    from tracelate.registry.alias_history import read_history
    from tracelate.registry.unrecorded_moves import alias_state, remedy, with_moves
    from tracelate.registry.versions import make_alias
    from tracelate.tracking.store.store import connect_existing

    chosen = make_alias(name or load_params().registry.name, alias)
    store = connect_existing()
    events, state = read_history(store, chosen), alias_state(store, chosen)
    entries = with_moves(events, state.version)
    if as_json:
        print_json([_document(entry) for entry in entries])
    elif not entries:
        print_line(f"{chosen} has never been moved: run `tracelate promote` to move it")
    else:
        result_console().print(_table_of(entries))
        if state.move is not None:
            print_line(f"{chosen} {state.move.text}: {remedy(chosen, state.move)}")


def _document(entry: Event | UnrecordedMove) -> dict[str, object]:
    if isinstance(entry, tuple):
        # without those that only Tracelate writes
        return {"kind": NOT_RECORDED, **entry._asdict(), "when": None}
    return entry.model_dump()


def _table_of(entries: Sequence[Event | UnrecordedMove]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    for column in ("when", "what", "version", "replaced", "why", "failed checks", "who", "commit"):
        table.add_column(column, no_wrap=column in ("when", "what"))
    for event in entries:
        if isinstance(event, tuple):
            times = (("after", event.after), ("before", event.before))
            table.add_row(
                "\n".join(f"{name} {_minute(when)}" for name, when in times if when is not None),
                NOT_RECORDED,
                escape(event.version or ""),
                escape(event.replaced or ""),
                "moved by none of Tracelate's commands",
            )
            continue
        table.add_row(
            _minute(event.when),
            *map(
                escape,
                (
                    event.kind,
                    event.version,
                    event.replaced or "",
                    event.why,
                    ", ".join(event.failed),
                    event.who,
                    (event.commit or "")[:7],
                ),
            ),
        )
    return table


def _minute(when: str) -> str:
    from datetime import datetime

    return f"{datetime.fromisoformat(when).astimezone():%Y-%m-%d %H:%M}"
