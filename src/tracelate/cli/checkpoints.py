"""Listing and removing the checkpoints of trainings: checkpoints."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tracelate.cli.console import print_json, print_line, result_console
from tracelate.errors import InputError
from tracelate.layout import CHECKPOINTS, project_root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from tracelate.training.checkpoint_folders import CheckpointFolder

app = typer.Typer()


@app.command(
    epilog="Example: `tracelate checkpoints`, `tracelate checkpoints --remove 3f2a`, or "
    "`tracelate checkpoints --older-than 30 --yes`"
)
def checkpoints(
    remove: Annotated[
        list[str] | None,
        typer.Option(help="Fingerprint of a folder to remove, or its beginning; may be repeated."),
    ] = None,
    older_than: Annotated[
        float | None,
        typer.Option(min=0, help="Remove the folders that have not changed for so many days."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the checkpoints from which stopped trainings resume, and remove those that are named.

    Each training has a folder that is named by a fingerprint of its data, settings and code. Its
    state is `in use` by a process, `resumable`, `begun` without a checkpoint yet, `finished` with a
    result that DVC may not have yet, or `damaged`. A folder in use is never removed, and a training
    whose folder was removed starts again from its first epoch.
    """
    from tracelate.training.checkpoint_folders import list_checkpoints

    found = list_checkpoints(project_root() / CHECKPOINTS)
    if remove or older_than is not None:
        chosen = _chosen(found, remove or [], older_than)
        removed = _remove(chosen, is_accepted=yes)
        if as_json:
            print_json([_columns(one) for one in removed])
        elif removed:
            total = sum(one.size_bytes for one in removed)
            print_line(f"removed {len(removed)} folders with {_size(total)}")
        else:
            print_line("there is nothing to remove")
    elif as_json:
        print_json([_columns(one) for one in found])
    elif not found:
        print_line("there are no checkpoints: a training in this folder makes them")
    else:
        result_console().print(_table(found))


def _chosen(
    found: Sequence[CheckpointFolder], names: Sequence[str], older_than: float | None
) -> list[CheckpointFolder]:
    """Returns the folders to remove: those named, or all, if they are old enough.

    Raises InputError if a name is that of no folder, of several, or of one that is in use.
    """
    from datetime import UTC, datetime, timedelta

    chosen = [one for one in found if one.pid is None] if not names else []
    for name in names:
        matching = [one for one in found if one.path.name.startswith(name)]
        exact = [one for one in matching if one.path.name == name] or matching
        if len(exact) != 1 or not name:
            several = f"{len(exact)} folders begin" if exact else "no folder begins"
            raise InputError(
                f"{several} with {name!r} in {project_root() / CHECKPOINTS}: name one that "
                "`tracelate checkpoints` lists"
            )
        if exact[0].pid is not None:
            raise InputError(
                f"{exact[0].path} is in use by process {exact[0].pid}: stop that training first, "
                "or let it end"
            )
        chosen += [one for one in exact if one not in chosen]
    if older_than is None:
        return chosen
    now = datetime.now(UTC)
    # not a point in time, which would be out of range for a large number of days
    return [one for one in chosen if (now - one.changed) / timedelta(days=1) > older_than]


def _remove(chosen: Sequence[CheckpointFolder], *, is_accepted: bool) -> list[CheckpointFolder]:
    from tracelate.progress import bar
    from tracelate.training.checkpoint_folders import remove_checkpoints

    if chosen and not is_accepted:
        if not sys.stdin.isatty():
            raise InputError(
                f"{len(chosen)} folders would be removed, and nobody can be asked: add --yes"
            )
        for one in chosen:
            print_line(f"{one.path.name}  {one.state}, {_size(one.size_bytes)}", err=True)
        if not typer.confirm("Remove these folders?", err=True):
            raise InputError("nothing was removed: answer y to remove them")
    with bar("remove", len(chosen)) as advance:
        for one in chosen:
            remove_checkpoints(one)
            advance(1)
    return list(chosen)


def _columns(one: CheckpointFolder) -> dict[str, object]:
    return {
        "fingerprint": one.path.name,
        "path": str(one.path),
        "state": one.state,
        "pid": int(one.pid) if one.pid is not None and one.pid.isdigit() else None,
        "run_id": one.run_id,
        "size_bytes": one.size_bytes,
        "changed": one.changed.isoformat(timespec="seconds"),
    }


def _table(found: Sequence[CheckpointFolder]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    for column in ("fingerprint", "state", "size", "changed", "run"):
        table.add_column(column, justify="right" if column == "size" else "left", no_wrap=True)
    for one in found:
        state = one.state if one.pid is None else f"in use by process {one.pid}"
        changed = f"{one.changed.astimezone():%Y-%m-%d %H:%M}"
        cells = (one.path.name, state, _size(one.size_bytes), changed, one.run_id or "")
        table.add_row(*map(escape, cells))
    return table


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"
