"""Disturbs stages at random moments: python -m tests.faults [--trials 50] [--seed 1].

The stages run on the tiny corpus of the tests. They are killed, or dvc or one of two processes is;
MLflow's server goes away; the disk is full (as root alone). The exit status is 1 if a trial ended
with a difference. The same seed and kinds give the same trials; `--only 7` runs the seventh alone,
and `--first 7` those from the seventh on.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from tests.faults.trials import KINDS, World, draw_trials, run_trial
from tracelate.files import write_json

NO_ROOT = tuple(kind for kind in KINDS if kind != "disk")


def main(
    trials: Annotated[int, typer.Option(min=1)] = 50,
    seed: Annotated[int, typer.Option()] = 1,
    kinds: Annotated[str, typer.Option(help="Kinds of trials, separated by commas.")] = ",".join(
        KINDS if os.geteuid() == 0 else NO_ROOT
    ),
    first: Annotated[int, typer.Option(help="Number of the trial to begin with.")] = 1,
    only: Annotated[int | None, typer.Option(help="Number of the one trial to run.")] = None,
    output: Annotated[Path | None, typer.Option(help="JSON file with the result of each.")] = None,
    minutes: Annotated[float, typer.Option(help="Time after which no trial begins.")] = 1e9,
) -> None:
    """Disturb the stages train and evaluate, and compare the end with an undisturbed run."""
    equal, ended = Counter[str](), Counter[str]()
    results: list[dict[str, object]] = []
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        world = World(Path(scratch))
        try:
            for trial in draw_trials(trials, seed, kinds.split(",")):
                if only not in (None, trial.number) or trial.number < first:
                    continue
                if time.monotonic() - began_s > minutes * 60:
                    break
                folder, trial_began_s = Path(scratch) / f"trial-{trial.number}", time.monotonic()
                try:
                    differences = run_trial(trial, world, folder)
                except (AssertionError, RuntimeError) as error:
                    differences = [str(error)]
                seconds = round(time.monotonic() - trial_began_s)
                ended[trial.kind] += 1
                equal[trial.kind] += not differences
                typer.echo(f"{trial}: {'; '.join(differences[:3]) or 'equal'} ({seconds} s)")
                results.append(
                    {"trial": str(trial), "differences": differences, "seconds": seconds}
                )
                if output is not None:
                    write_json(output, {"seed": seed, "kinds": kinds, "trials": results})
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            world.end()
    for kind, count in sorted(ended.items()):
        typer.echo(f"{kind}: {equal[kind]} of {count} equal")
    count = sum(ended.values())
    typer.echo(f"{sum(equal.values())} of {count} equal, {time.monotonic() - began_s:,.0f} s")
    raise typer.Exit(0 if equal == ended else 1)


if __name__ == "__main__":
    typer.run(main)
