"""What can be wrong in a project's folder: what MLflow lacks, and what was left behind."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from tracelate import layout
from tracelate.doctor.problem import Ailment
from tracelate.errors import InputError
from tracelate.files import read_json
from tracelate.tracking import log_evaluation as evaluations
from tracelate.tracking import log_training as trainings
from tracelate.tracking.run_writer import TrackedRun
from tracelate.tracking.runs import find_attached, find_run
from tracelate.tracking.store import StoreError
from tracelate.tracking.sync import sync_project
from tracelate.tracking.sync_marks import is_mirrored
from tracelate.training.run_file import read_training_run

CHECKPOINTS = Path(".tracelate/checkpoints")
HALF = re.compile(r"\..+\.[a-z0-9_]{8}")
"""What `whole_file` calls a file until it is whole."""
ROOMS = ("data", "models", "reports", ".tracelate")
YOUNG_S = 600
"""A half file younger than this may be being written now."""


def folder_ailments(root: Path, client: MlflowClient | None) -> Iterator[Ailment]:
    """Without a client, only what needs no store."""
    if (root / layout.RUN).is_file() and client is not None:
        yield from _unsynced(root, client)
    for note in sorted((root / CHECKPOINTS).glob("*/run.json")):
        if client is not None:
            yield from _left_checkpoints(note, client)
    for room in ROOMS:
        for path in sorted((root / room).rglob(".*")):
            is_old = path.is_file() and time.time() - path.stat().st_mtime > YOUNG_S
            if is_old and HALF.fullmatch(path.name):
                yield Ailment(
                    "a file was never written to its end", str(path), "delete it: nothing reads it"
                )


def _unsynced(root: Path, client: MlflowClient) -> Iterator[Ailment]:
    try:
        lacking = _lacking(root, client)
    except StoreError:
        raise
    except (InputError, FileNotFoundError) as error:
        yield Ailment(
            f"the files of the last training are not whole: {error}",
            str(root / layout.MODELS),
            "run `dvc repro`, or `dvc checkout` where DVC has them",
        )
        return
    if lacking:
        yield Ailment(
            f"MLflow lacks the {' and the '.join(lacking)} that lies here",
            str(root / layout.MODELS),
            "run `tracelate sync`",
            partial(sync_project, root),
        )


def _lacking(root: Path, client: MlflowClient) -> list[str]:
    """The stages whose files here are not those that MLflow has."""
    training = read_training_run(root / layout.RUN)
    stages = {trainings.STAGE: trainings.training_files(root)}
    settings: dict[str, Any] = {}
    if (lineage := evaluations.find_evaluation(root)) is not None:
        stages[evaluations.STAGE] = evaluations.evaluation_files(root)
        settings = {"evaluate": lineage.params["evaluate"]}
    run = find_attached(client, training.run_id, training.experiment, settings)
    if run is None:
        return list(stages)
    tracked = TrackedRun(client, run.info.run_id)
    return [stage for stage, files in stages.items() if not is_mirrored(tracked, stage, files)]


def _left_checkpoints(note: Path, client: MlflowClient) -> Iterator[Ailment]:
    run = find_run(client, read_json(note)["run_id"])
    if run is not None and run.info.status == "FINISHED":
        yield Ailment(
            f"the training of run {run.info.run_id} has finished and left its checkpoints",
            str(note.parent),
            "delete the folder: nothing resumes from it",
        )
