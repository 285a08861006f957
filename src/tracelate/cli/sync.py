"""Writing this folder's results to MLflow: sync."""

from __future__ import annotations

import typer

from tracelate.cli.console import print_json, print_line
from tracelate.cli.options import JsonOption

app = typer.Typer()


@app.command(epilog="Example: `tracelate sync`, after `dvc pull` or a `dvc repro` from the cache")
def sync(as_json: JsonOption = False) -> None:
    """Write to MLflow what it lacks of this folder's training and evaluation.

    Needed if DVC restored a training from its cache, if the MLflow server was down, or if the
    results come from another machine. Results that MLflow has already are left as they are.
    """
    from tracelate.tracking.runs.sync import sync_project

    done = sync_project()
    written = [
        name
        for name, wrote in {
            "training": done.wrote_training,
            "evaluation": done.wrote_evaluation,
        }.items()
        if wrote
    ]
    if as_json:
        print_json({"run_id": done.run.run_id, "is_new": done.is_new, "written": written})
        return
    run = f"the new run {done.run.run_id}" if done.is_new else f"run {done.run.run_id}"
    print_line(
        f"wrote {' and '.join(written)} to {run}" if written else f"{run} has all results already"
    )
