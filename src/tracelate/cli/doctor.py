"""Keeping MLflow in step with the files, and both whole: sync and doctor."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer()


@app.command(epilog="Example: `tracelate doctor --fix`")
def doctor(
    fix: Annotated[
        bool,
        typer.Option(
            "--fix",
            help="Mend what is safe: dead runs, unfinished models, left locks, what MLflow lacks.",
        ),
    ] = False,
) -> None:
    """Find what is wrong with this folder and MLflow's store, and say what to do about it.

    Runs that say RUNNING and are dead, models and versions whose files are gone, aliases that
    point nowhere, locks and checkpoints that were left behind, results that MLflow lacks. Status 1
    where something stays wrong; what begins with ? only may be wrong.
    """
    from tracelate.doctor.doctor import examine, mend

    found = examine()
    if fix:
        for line in mend(found):
            typer.echo(line)
        found = examine()
    for ailment in found:
        hint = "" if ailment.mend is None or fix else " (--fix does it)"
        typer.echo(f"{'✗' if ailment.is_certain else '?'} {ailment.what}")
        typer.echo(f"  where: {ailment.where}\n  do:    {ailment.remedy}{hint}")
    if any(ailment.is_certain for ailment in found):
        raise typer.Exit(1)
    typer.echo("healthy" if not found else "nothing is certainly wrong")
