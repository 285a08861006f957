"""Listing runs: runs."""

from __future__ import annotations

from typing import Annotated

import typer

from tracelate.cli.console import print_json, print_line, result_console
from tracelate.config import load_params
from tracelate.metric_table import METRICS

app = typer.Typer()


@app.command(epilog="Example: `tracelate runs --where pair=en-es --where cell!=lstm --sort bleu`")
def runs(
    where: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE or NAME!=VALUE of a column, param or tag; may be repeated."),
    ] = None,
    status: Annotated[str | None, typer.Option(help="For example finished or failed.")] = None,
    sort: Annotated[
        str,
        typer.Option(help=f"started (newest first), {', '.join(METRICS)} or tokens_per_s."),
    ] = "started",
    limit: Annotated[int, typer.Option(min=1, help="Largest number of rows.")] = 30,
    all_experiments: Annotated[
        bool,
        typer.Option("--all-experiments", help="Not only runtime.experiment."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON with all columns.")] = False,
) -> None:
    """List runs with their scores; runs in the same group can be compared with each other."""
    from tracelate.tracking.run_table import run_table
    from tracelate.tracking.store.address import shown_uri

    experiment = None if all_experiments else load_params().runtime.experiment
    found = run_table(experiment, where=where or [], status=status, sort=sort, limit=limit)
    if as_json:
        rows = [
            {**row.columns(), "rank": rank}
            for row, rank in zip(found.rows, found.ranks, strict=True)
        ]
        print_json(rows)
    elif not found.rows:
        place = "any experiment" if experiment is None else f"experiment {experiment!r}"
        remedy = (
            "use fewer conditions in --where and --status"
            if where or status
            else "train a model with `make run`, or set MLFLOW_TRACKING_URI"
        )
        print_line(f"no such runs in {place} of {shown_uri()}: {remedy}")
    else:
        from tracelate.cli.runs_table import table_of_runs

        ranked_by = sort if sort in METRICS else None
        console = result_console()
        console.print(
            table_of_runs(
                found,
                ranked_by=ranked_by,
                with_experiment=experiment is None,
                width=console.width,
            )
        )
