"""Listing the moves of an alias: history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tracelate.cli.console import print_json, print_line, result_console
from tracelate.cli.options import AliasOption, JsonOption, NameOption
from tracelate.config import load_params

if TYPE_CHECKING:
    from rich.table import Table

    from tracelate.registry.alias_history import Event

app = typer.Typer()


@app.command(epilog="Example: `tracelate history --alias champion --json`")
def history(
    alias: AliasOption = "champion",
    name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the versions that the alias has pointed at, with time, reason and user."""
    from tracelate.registry.alias_history import alias_history
    from tracelate.registry.versions import make_alias

    chosen = make_alias(name or load_params().registry.name, alias)
    events = alias_history(chosen)
    if as_json:
        documents = [event.model_dump() for event in events]
        print_json(documents)
    elif not events:
        print_line(f"{chosen} has never been moved: run `tracelate promote` to move it")
    else:
        result_console().print(_table_of_events(events))


def _table_of_events(events: list[Event]) -> Table:
    from datetime import datetime

    from rich.markup import escape
    from rich.table import Table

    table = Table()
    for column in ("when", "what", "version", "replaced", "why", "failed checks", "who", "commit"):
        table.add_column(column, no_wrap=column in ("when", "what"))
    for event in events:
        table.add_row(
            f"{datetime.fromisoformat(event.when).astimezone():%Y-%m-%d %H:%M}",
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
