"""Kills stages at random moments: python -m tests.faults [--trials 50] [--seed 1].

The stages run on the tiny corpus of the tests. The exit status is 1 if a trial ended with a
difference.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from tests.faults.trials import draw_trials, make_project, run_trial, run_undisturbed


def main(
    trials: Annotated[int, typer.Option(min=1)] = 50,
    seed: Annotated[int, typer.Option()] = 1,
) -> None:
    """Kill the stages train and evaluate, and compare the end with an undisturbed run."""
    equal, ended = Counter[str](), Counter[str]()
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        project = make_project(Path(scratch) / "project")
        undisturbed = run_undisturbed(project, Path(scratch) / "undisturbed")
        typer.echo(f"undisturbed: {undisturbed.seconds}")
        for number, trial in enumerate(draw_trials(undisturbed, trials, seed), start=1):
            folder = Path(scratch) / "trial"
            differences = run_trial(trial, undisturbed, project, folder)
            ended[trial.stage] += 1
            equal[trial.stage] += not differences
            typer.echo(f"{number} {trial}: {'; '.join(differences[:3]) or 'equal'}")
            shutil.rmtree(folder)
    for stage, count in sorted(ended.items()):
        typer.echo(f"{stage}: {equal[stage]} of {count} equal")
    typer.echo(f"{sum(equal.values())} of {trials} equal, {time.monotonic() - began_s:,.0f} s")
    raise typer.Exit(0 if equal == ended else 1)


if __name__ == "__main__":
    typer.run(main)
