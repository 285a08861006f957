"""Adding to a run an evaluation on a further test set, beside the run's own evaluation.

What the run has of its own evaluation is not changed: names of the further one begin with that of
its test set.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.evaluation_record import RECORD, RESULTS, read_record
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.evaluation.report import Metrics
from tracelate.files import sha256_of
from tracelate.tracking.runs.run_contents import DataFile, RunContents
from tracelate.tracking.runs.run_writer import RunWriter
from tracelate.training.model_files import WEIGHTS

FOLDER = "test_sets"
"""Folder of further evaluations among a run's artifacts; each has a folder of its own in it."""
FILES = (*RESULTS, RECORD)


def artifacts_of(test: str) -> str:
    """Returns the folder of a test set's evaluation among a run's artifacts."""
    return f"{FOLDER}/{test}"


def hash_tag(test: str, file: str) -> str:
    """Returns the name of the tag with the sha256 of a file of a test set's evaluation."""
    return f"sha256.{artifacts_of(test)}/{file}"


def refuse_other_text(run: RunWriter, test: str, sha256: str) -> None:
    """Raises InputError if the run has an evaluation on another text under this name."""
    found = run.tag(text_tag(test))
    if found not in (None, sha256):
        raise InputError(
            f"run {run.run_id} has an evaluation on another text under the name {test!r} (sha256 "
            f"{str(found)[:12]}…, not {sha256[:12]}…): choose another name"
        )


def refuse_stage_evaluation(run: RunWriter, test: str) -> None:
    """Raises InputError if the stage evaluate has scored the run's model on this test set."""
    if run.tag(_stage_tag(test)) is not None:
        raise InputError(
            f"run {run.run_id} was evaluated on {test!r} by its stage evaluate (evaluate.tests): "
            "its scores are there already; without --log they are only printed"
        )


def log_later_evaluation(run: RunWriter, test: str, folder: Path, stage: str | None = None) -> None:
    """Writes the files of an evaluation, its scores and its test set to the run.

    `stage` is the stage of the pipeline that evaluated, if one did.

    Raises InputError if the run has another text under this name or another model's weights, and
    StoreError if MLflow fails.
    """
    record, metrics = read_record(folder), read_metrics(folder / layout.METRICS.name)
    refuse_other_text(run, test, record.test.sha256)
    trained = run.tag(f"sha256.{(layout.MODELS / WEIGHTS).as_posix()}")
    if trained is not None and trained != record.model.files.get(WEIGHTS):
        raise InputError(
            f"{record.model.name} has other weights than run {run.run_id}: evaluate the run's model"
        )
    paths = [folder / name for name in FILES]
    run.write(
        RunContents(
            tags={
                **{hash_tag(test, path.name): sha256_of(path) for path in paths},
                text_tag(test): record.test.sha256,
                **({} if stage is None else {_stage_tag(test): stage}),
            },
            datasets=[DataFile(Path(test), record.test.sha256, "test", record.test.sentences)],
            metrics=dict(_named_values(test, metrics)),
            files={artifacts_of(test): paths},
        )
    )


def text_tag(test: str) -> str:
    """Returns the name of the tag with the sha256 of a test set's sentences and references."""
    return f"{FOLDER}.{test}"


def _stage_tag(test: str) -> str:
    return f"{text_tag(test)}.stage"


def _named_values(test: str, metrics: Metrics) -> Iterator[tuple[str, float]]:
    for score in metrics.scores:
        yield f"{test}/{score.name}", score.value
        yield f"{test}/{score.name}_low", score.low
        yield f"{test}/{score.name}_high", score.high
