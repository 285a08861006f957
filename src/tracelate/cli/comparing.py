"""Comparing what was trained: compare, runs and seeds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracelate.cli.console import result_console
from tracelate.config import load_params
from tracelate.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from tracelate.evaluation.comparison import Comparison
    from tracelate.evaluation.evidence import Evidence
    from tracelate.evaluation.seeds import SeedSpread
    from tracelate.evaluation.significance import Resampling
    from tracelate.tracking.seeds import SeedRun

app = typer.Typer()
ENOUGH_SEEDS = 8
"""With these, the upper end of a deviation's interval is twice the deviation."""


@app.command(epilog="Example: `tracelate compare models:/en-es@champion reports`")
def compare(
    a: Annotated[
        str,
        typer.Argument(
            help="A run (its id, 6 or more characters of it, or its name), models:/NAME@alias, "
            "models:/NAME/3, or a folder such as reports."
        ),
    ],
    b: Annotated[str, typer.Argument(help="The same, to be held against A.")],
    level: Annotated[
        float, typer.Option(min=0, max=1, help="A difference is shown where both tests' p is less.")
    ] = 0.05,
    sentences: Annotated[
        int, typer.Option(min=0, help="How many of the most changed sentences to show, each way.")
    ] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of both tests.")] = 12345,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for comparison.json and a picture by source length."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print comparison.json.")] = False,
) -> None:
    """Say whether B translates better than A, or the difference may be chance.

    Refuses, and names the difference, where test set or scoring are not the same. It is about these
    two models: `tracelate seeds` says what another seed of the same settings brings.
    """
    from tracelate.evaluation.comparison import comparison_document, write_comparison
    from tracelate.evaluation.comparison_tables import print_comparison
    from tracelate.evaluation.significance import Resampling
    from tracelate.tracking.evidence import find_evidence

    comparison = _compare(find_evidence(a), find_evidence(b), Resampling(seed=seed))
    if as_json:
        typer.echo(json.dumps(comparison_document(comparison, level), ensure_ascii=False, indent=2))
    else:
        print_comparison(result_console(), comparison, level, sentences)
    if output is not None:
        from tracelate.evaluation.drawing import write_png
        from tracelate.evaluation.plots import length_difference_figure

        write_comparison(output / "comparison.json", comparison, level)
        figure = length_difference_figure(
            comparison.by_source_length, comparison.a.name, comparison.b.name
        )
        write_png(figure, output / "difference_by_source_length.png")
        typer.echo(f"written: {output}", err=True)


@app.command(epilog="Example: `tracelate runs --where pair=en-es --where cell!=lstm --sort bleu`")
def runs(
    where: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE or NAME!=VALUE of a column, param or tag; repeatable."),
    ] = None,
    status: Annotated[str | None, typer.Option(help="Such as finished or failed.")] = None,
    sort: Annotated[
        str, typer.Option(help="started (newest first), bleu, chrf, ter or tokens_per_s.")
    ] = "started",
    limit: Annotated[int, typer.Option(min=1, help="Of the rows.")] = 30,
    all_experiments: Annotated[
        bool, typer.Option("--all-experiments", help="Not only runtime.experiment of params.yaml.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="For machines; with all columns.")
    ] = False,
) -> None:
    """List what was trained, how good it is, and which runs can be compared with each other."""
    from tracelate.evaluation.report import SCORE_NAMES
    from tracelate.tracking.run_table import run_table
    from tracelate.tracking.store import shown_uri

    experiment = None if all_experiments else load_params().runtime.experiment
    found = run_table(experiment, where=where or [], status=status, sort=sort, limit=limit)
    if as_json:
        rows = [
            {**row._asdict(), "rank": rank}
            for row, rank in zip(found.rows, found.ranks, strict=True)
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    elif not found.rows:
        place = "any experiment" if experiment is None else f"experiment {experiment!r}"
        remedy = (
            "ask for less with --where and --status"
            if where or status
            else "train one with `make run`, or set MLFLOW_TRACKING_URI"
        )
        typer.echo(f"no such runs in {place} of {shown_uri()}: {remedy}")
    else:
        from tracelate.cli.run_columns import table_of_runs

        ranked_by = sort if sort in SCORE_NAMES else None
        console = result_console()
        console.print(
            table_of_runs(
                found,
                ranked_by=ranked_by,
                with_experiment=experiment is None,
                width=console.width,
            )
        )


@app.command(
    epilog="Example: `dvc exp run -S train.seed=2`, and more; then `tracelate seeds 3f9c2a`"
)
def seeds(
    run: Annotated[
        str, typer.Argument(help="Its id, 6 or more characters of it, or its name; any of them.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Say how far apart runs lie that differ by train.seed alone: the luck in training.

    `promote` asks for a gain that is more, by registry.seed_deviation of params.yaml.
    """
    from tracelate.evaluation.report import SCORE_NAMES
    from tracelate.evaluation.seeds import seed_spread
    from tracelate.tracking.seeds import runs_of_all_seeds

    config = load_params().registry
    found = runs_of_all_seeds(run)
    if len(found) < 2:
        raise InputError(
            f"with these settings only seed {found[0].seed} was trained and scored: train others, "
            f"such as `dvc exp run -S train.seed={found[0].seed + 1}`"
        )
    spreads = [seed_spread(name, [one.scores[name] for one in found]) for name in SCORE_NAMES]
    if as_json:
        document = {
            "runs": [one._asdict() for one in found],
            "spread": {one.metric: one._asdict() for one in spreads},
        }
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    result_console().print(_table_of_seeds(found, spreads, config.significance_level))
    [chosen] = [one for one in spreads if one.metric == config.metric]
    typer.echo(
        f"For params.yaml, by {config.metric} over {len(found)} seeds: "
        f"registry.seed_deviation: {chosen.deviation:.2f}; it is {config.seed_deviation:g} now"
    )


def _table_of_seeds(runs: Sequence[SeedRun], spreads: Sequence[SeedSpread], level: float) -> Table:
    from rich.table import Table

    from tracelate.evaluation.seeds import seed_margin
    from tracelate.evaluation.summary import SCORES
    from tracelate.tracking.finding import SHORT_ID

    notes = []
    if len(runs) < ENOUGH_SEEDS:
        notes.append("A deviation over so few seeds is hardly known: see its interval.")
    if len({one.commit for one in runs}) > 1:
        notes.append("The runs are of different commits.")
    table = Table(caption=" ".join(notes), caption_justify="left")
    table.add_column("seed")
    table.add_column("run")
    for spread in spreads:
        table.add_column(SCORES[spread.metric][0], justify="right")
    for one in runs:
        scores = (f"{one.scores[spread.metric]:.2f}" for spread in spreads)
        table.add_row(str(one.seed), one.run_id[:SHORT_ID], *scores)
    table.add_section()
    table.add_row("mean", "", *(f"{one.mean:.2f}" for one in spreads))
    table.add_row("standard deviation", "", *(f"{one.deviation:.2f}" for one in spreads))
    table.add_row(
        "  its 95 % interval",
        "",
        *(f"{one.deviation_low:.2f} to {one.deviation_high:.2f}" for one in spreads),
    )
    table.add_row(
        f"{100 * (1 - level):g} % of pairs differ by less than",
        "",
        *(f"{seed_margin(one.deviation, level):.2f}" for one in spreads),
    )
    return table


def _compare(a: Evidence, b: Evidence, resampling: Resampling) -> Comparison:
    """With a bar on stderr while that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    from tracelate.evaluation.comparison import compare
    from tracelate.evaluation.significance import draws_in_all

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task("resampling", total=draws_in_all(resampling))
        return compare(a, b, resampling, lambda count: shown.advance(task, count))
