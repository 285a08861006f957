"""Writing MLflow again from the files: sync."""

from __future__ import annotations

import typer

app = typer.Typer()


@app.command(epilog="Example: `tracelate sync`, after `dvc pull` or a `dvc repro` from the cache")
def sync() -> None:
    """Write MLflow again from the files of this folder, where it lacks something.

    For a training that came out of DVC's cache, a server that was away, or results of another
    machine. What is there already stays as it is.
    """
    from tracelate.tracking.sync import sync_project

    done = sync_project()
    written = [
        name
        for name, wrote in {
            "training": done.wrote_training,
            "evaluation": done.wrote_evaluation,
        }.items()
        if wrote
    ]
    what = f"wrote {' and '.join(written)} to" if written else "all is there already, in"
    new = "the new run" if done.is_new else "the run"
    typer.echo(f"{what} {new} {done.run.run_id}")
