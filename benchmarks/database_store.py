"""Runs the pipeline and the commands with a database address as MLflow's store.

    python -m benchmarks.database_store postgresql+psycopg2://USER:PASSWORD@HOST/NAME

The database must be empty, and its driver installed. A copy of the working tree trains on the tiny
corpus of the tests, then does so as an experiment in a temporary folder of DVC's, and commands look
at both runs. Prints the time of each step, and fails if an artifact is not at the project's root.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from mlflow import MlflowClient

from tests.system.clone import clone
from tracelate.layout import ARTIFACTS, EVALUATION_FILES

EXPERIMENT = "tracelate"
STEPS = (
    "dvc repro",
    "dvc exp run --temp --name elsewhere -S model.attention=additive",
    "tracelate runs",
    "tracelate compare . {first}",
    "tracelate lineage --verify .",
    "tracelate promote {first}",
    "tracelate history",
    "tracelate sync",
    "tracelate doctor",
)


def main(
    store: Annotated[str, typer.Argument(help="The address of an empty database.")],
) -> None:
    """Run the pipeline with a database as MLflow's store."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["TRACELATE_CACHE"] = str(Path(scratch) / "cache")
        project = clone(Path(scratch) / "project")
        project.environment["MLFLOW_TRACKING_URI"] = store
        project.environment["PYTHONPATH"] += os.pathsep + os.environ.get("PYTHONPATH", "")
        names: dict[str, str] = {}
        for step in STEPS:
            began_s = time.monotonic()
            done = project.run(*step.format(**names).split())
            seconds = time.monotonic() - began_s
            typer.echo(f"{step}: status {done.returncode}, {seconds:,.1f} s")
            if done.returncode != 0:
                typer.echo(done.stdout + done.stderr)
                raise typer.Exit(1)
            if step == STEPS[0]:
                run_file = project.folder / "models/run.json"
                names["first"] = json.loads(run_file.read_text(encoding="utf-8"))["run_id"]
        lost = _lost_artifacts(MlflowClient(store), project.folder)
        typer.echo("\n".join(lost) or "all artifacts of both runs are at the project's root")
        raise typer.Exit(1 if lost else 0)


def _lost_artifacts(client: MlflowClient, project: Path) -> list[str]:
    """Returns a line for each run or file that is not in the project's folder of artifacts."""
    experiment = client.get_experiment_by_name(EXPERIMENT)
    runs = client.search_runs([experiment.experiment_id]) if experiment is not None else []
    lost = [] if len(runs) == 2 else [f"there are {len(runs)} runs and not 2"]
    root = (project / ARTIFACTS).as_uri()
    for run in runs:
        listed = client.list_artifacts(run.info.run_id, "evaluation")
        missing = {path.name for path in EVALUATION_FILES} - {Path(one.path).name for one in listed}
        if not run.info.artifact_uri.startswith(root):
            lost.append(f"run {run.info.run_id} has its artifacts at {run.info.artifact_uri}")
        if run.info.status != "FINISHED" or missing:
            lost.append(f"run {run.info.run_id} is {run.info.status} and lacks {sorted(missing)}")
    return lost


if __name__ == "__main__":
    typer.run(main)
