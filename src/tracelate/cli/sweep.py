"""Searching settings by training with many of them: sweep."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracelate.cli.console import print_json, print_line, result_console
from tracelate.cli.options import JsonOption

if TYPE_CHECKING:
    from rich.table import Table

    from tracelate.sweep.outcome import SweepOutcome

app = typer.Typer()

STOPPED_STATUS = 130
"""Exit status after Ctrl-C."""
MOST_ROWS = 30


@app.command(
    epilog="Example: `tracelate sweep sweeps/dropout.yaml --processes 2`, and "
    "`tracelate sweep sweeps/dropout.yaml --show` meanwhile"
)
def sweep(
    file: Annotated[
        Path, typer.Argument(help="YAML file of the sweep; its name is the sweep's name.")
    ],
    processes: Annotated[
        int, typer.Option(min=1, max=1024, help="Trials that are trained at the same time.")
    ] = 1,
    show: Annotated[
        bool, typer.Option("--show", help="Print the trials so far, and train nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train with many settings, and find those with the best validation.

    The file names the settings of the sections tokenize, model and train that vary, each with a
    range or a list of choices, and how many trials or hours may be spent. Optuna chooses the
    settings of each trial from the earlier ones, and ends a trial early whose validations are worse
    than the others'. Only the validation set is used: no trial is evaluated on test text.

    Each trial is a run in MLflow, below the run of the sweep. A sweep that was stopped or killed
    goes on when the command is run again, each training from its last checkpoint; the command may
    run several times at once. With a larger budget in the file, more trials are added.

    The results are in .tracelate/sweeps/NAME/: report.json, sweep.png, and a folder for each trial,
    of which the best one keeps its model.
    """
    from tracelate.sweep.run import read_outcome
    from tracelate.sweep.run import sweep as run_sweep

    # as SystemExit, so that the trainings are stopped too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    result = (
        read_outcome(file)
        if show
        else run_sweep(file, lambda line: print_line(line, err=True), processes=processes)
    )
    if as_json:
        print_json(result.outcome.model_dump(mode="json"))
    else:
        _print_outcome(result.outcome)
        if not show:
            print_line(f"sweep: report.json, sweep.png and the trials are in {result.folder.path}")
    if result.is_stopped:
        print_line(f"stopped: `tracelate sweep {file}` resumes the sweep", err=True)
        sys.exit(STOPPED_STATUS)


def _print_outcome(outcome: SweepOutcome) -> None:
    from tracelate.sweep.outcome import command_of

    result_console().print(_table(outcome))
    if outcome.best is None:
        print_line("no trial is complete yet")
    else:
        print_line(
            f"best: trial {outcome.best}; with its settings, train and evaluate the model by:"
        )
        print_line(command_of(outcome))


def _table(outcome: SweepOutcome) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from tracelate.comparison.settings import short_names
    from tracelate.printable import printable_line

    ranked = outcome.ranked()
    names = list(dict.fromkeys(name for one in ranked for name in one.settings))
    notes = ["The value is that of the best validation, or of the last one if a trial was pruned."]
    if len(ranked) > MOST_ROWS:
        notes.append(f"{len(ranked) - MOST_ROWS} more trials: --json shows them.")
    table = Table(caption=" ".join(notes), caption_justify="left")
    columns = ("trial", f"valid {outcome.metric}", "state", "validations", "minutes")
    for column in (*columns, *short_names(names)):
        table.add_column(escape(column), justify="left" if column == "state" else "right")
    for one in ranked[:MOST_ROWS]:
        state = one.state if one.same_as is None else f"as trial {one.same_as}"
        cells = (
            str(one.number),
            "" if one.value is None else f"{one.value:.3f}",
            state if one.reason is None else f"{state}: {one.reason[:60]}",
            str(len(one.validations)),
            f"{one.seconds / 60:.1f}",
            *(str(one.settings.get(name, "")) for name in names),
        )
        table.add_row(*(escape(printable_line(cell)) for cell in cells))
    return table
