"""Writing a study to MLflow from its files: a parent run with a child run for each training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from tracelate.evaluation.metrics_file import read_metrics
from tracelate.git import current_commit
from tracelate.tracking.runs.evaluation_contents import (
    evaluation_metrics,
    scoring_tags,
    sharpness_curve,
)
from tracelate.tracking.runs.log_training import training_curve, training_metrics
from tracelate.tracking.runs.run_contents import RunContents
from tracelate.tracking.runs.run_writer import RunWriter
from tracelate.tracking.runs.runs import source_tags, start_run
from tracelate.tracking.runs.sync_marks import content_sha256, finish_stage, is_synced
from tracelate.tracking.store.store import connect

STAGE = "study"
STUDY_TAG = "tracelate.study"
FILES_TAG = "tracelate.study_files"


class StudyRun(NamedTuple):
    """One training of a study and its files."""

    name: str
    tags: Mapping[str, str]
    params: Mapping[str, Any]
    training: Path
    metrics: Path
    translations: Path
    curves: Sequence[Path]

    @property
    def files(self) -> list[Path]:
        return [self.training, self.metrics, self.translations, *self.curves]


def track_study(
    experiment: str, name: str, runs: Sequence[StudyRun], documents: Sequence[Path]
) -> None:
    """Writes the study to the experiment.

    A run that has its files already is left as it is. If the files of a training have changed, it
    gets a new run and the older run is kept.

    Raises StoreError if MLflow fails.
    """
    parent = _find_or_start(experiment, name, {STUDY_TAG: name}, {})
    for one in runs:
        tags = {**one.tags, FILES_TAG: content_sha256(one.files)}
        run = _find_or_start(experiment, one.name, tags, {MLFLOW_PARENT_RUN_ID: parent.run_id})
        if not is_synced(run, STAGE, one.files):
            run.write(_contents(one))
            finish_stage(run, STAGE, one.files)
    if not is_synced(parent, STAGE, documents):
        parent.write(RunContents(files={STAGE: documents}))
        finish_stage(parent, STAGE, documents)


def _find_or_start(
    experiment: str, name: str, identity: Mapping[str, str], tags: Mapping[str, str]
) -> RunWriter:
    """Returns the newest run with the tags `identity`, or a new one that has all the tags."""
    store = connect()
    experiment_id = store.runs.find_or_create_experiment(experiment)
    wanted = " AND ".join(f"tags.`{tag}` = '{value}'" for tag, value in identity.items())
    found = store.runs.search([experiment_id], wanted)
    if found:
        return RunWriter(store, found[0].run_id)
    run, _ = start_run(experiment, name, {**identity, **tags, **source_tags(current_commit())})
    return run


def _contents(one: StudyRun) -> RunContents:
    metrics = read_metrics(one.metrics)
    signatures = {score.name: score.signature for score in metrics.scores}
    return RunContents(
        params=one.params,
        tags=scoring_tags(metrics.test.sha256, signatures),
        metrics={**training_metrics(one.training), **evaluation_metrics(metrics)},
        curves=[*map(training_curve, one.curves), sharpness_curve(metrics)],
        files={"evaluation": [one.metrics, one.translations]},
    )
