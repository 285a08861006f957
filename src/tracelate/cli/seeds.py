"""The variation between seeds: seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tracelate.cli.console import print_json, print_line, result_console
from tracelate.cli.options import REFERENCE_HELP, JsonOption
from tracelate.config import load_params
from tracelate.errors import InputError

app = typer.Typer()

if TYPE_CHECKING:
    from rich.table import Table

    from tracelate.comparison.seeds import SeedSpread
    from tracelate.tracking.seed_runs import SeedRun


ENOUGH_SEEDS = 8
"""With this number, the upper end of a deviation's interval is twice the deviation."""


@app.command(
    epilog="Example: `dvc exp run -S train.seed=2`, and more; then `tracelate seeds 3f9c2a`"
)
def seeds(
    run: Annotated[str, typer.Argument(help=f"Any one of the runs. {REFERENCE_HELP}")],
    as_json: JsonOption = False,
) -> None:
    """Measure how much the scores of runs vary that differ only by train.seed.

    `promote` requires a gain larger than this variation, by registry.seed_deviation of params.yaml.
    """
    from tracelate.comparison.seeds import seed_spread
    from tracelate.tracking.references.references import resolve
    from tracelate.tracking.seed_runs import runs_of_all_seeds

    config = load_params().registry
    found = runs_of_all_seeds(resolve(run))
    if len(found) < 2:
        raise InputError(
            f"with these settings only seed {found[0].seed} was trained and scored: train other "
            f"seeds, such as `dvc exp run -S train.seed={found[0].seed + 1}`"
        )
    shared = [key for key in found[0].scores if all(key in one.scores for one in found)]
    spreads = [seed_spread(key, [one.scores[key] for one in found]) for key in shared]
    if as_json:
        document = {
            "runs": [one._asdict() for one in found],
            "spread": {one.metric: one._asdict() for one in spreads},
        }
        print_json(document)
        return
    result_console().print(_table_of_seeds(found, spreads, config.significance_level))
    chosen = next((one for one in spreads if one.metric == config.metric), None)
    if chosen is None:
        raise InputError(
            f"these runs have no score by registry.metric {config.metric}: evaluate them again "
            f"(dvc repro), or choose one of {', '.join(shared)}"
        )
    print_line(
        f"Measured by {config.metric} over {len(found)} seeds: registry.seed_deviation: "
        f"{chosen.deviation:.2f}; params.yaml has {config.seed_deviation:g}"
    )


def _table_of_seeds(runs: Sequence[SeedRun], spreads: Sequence[SeedSpread], level: float) -> Table:
    from rich.table import Table

    from tracelate.comparison.seeds import seed_margin
    from tracelate.metric_table import metric_title
    from tracelate.tracking.references.references import SHORT_ID

    notes = []
    if len(runs) < ENOUGH_SEEDS:
        notes.append("A deviation over so few seeds is very uncertain: see its interval.")
    if len({one.commit for one in runs}) > 1:
        notes.append("The runs are of different commits.")
    table = Table(caption=" ".join(notes), caption_justify="left")
    table.add_column("seed")
    table.add_column("run")
    for spread in spreads:
        table.add_column(metric_title(spread.metric), justify="right")
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
