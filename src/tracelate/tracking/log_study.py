"""A study in MLflow: a parent run, and a child for each of its trainings, all from files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from tracelate.evaluation.metrics_file import read_metrics
from tracelate.files import read_json
from tracelate.git import current_commit
from tracelate.tracking.log_evaluation import evaluation_metrics, scoring_tags, sharpness_curve
from tracelate.tracking.log_training import MEASURED
from tracelate.tracking.run_writer import TrackedRun
from tracelate.tracking.runs import source_tags, start_run
from tracelate.tracking.store import connect, find_or_create_experiment
from tracelate.tracking.sync_marks import content_sha256, is_mirrored, mark_mirrored
from tracelate.training.curve_files import read_curve

STAGE = "study"
STUDY_TAG = "tracelate.study"
FILES_TAG = "tracelate.study_files"


class StudyRun(NamedTuple):
    """A training of a study, and the files that it left."""

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
    """Writes the study to the experiment. A run whose files are there already stays as it is; one
    whose files have changed gets a run of its own, and the older one stays too.
    """
    parent = _find_or_start(experiment, name, {STUDY_TAG: name}, {})
    for one in runs:
        tags = {**one.tags, FILES_TAG: content_sha256(one.files)}
        run = _find_or_start(experiment, one.name, tags, {MLFLOW_PARENT_RUN_ID: parent.run_id})
        if not is_mirrored(run, STAGE, one.files):
            _write(run, one)
    if not is_mirrored(parent, STAGE, documents):
        parent.log_files(documents, STAGE)
        parent.finish()
        mark_mirrored(parent, STAGE, documents)


def _find_or_start(
    experiment: str, name: str, known_by: Mapping[str, str], tags: Mapping[str, str]
) -> TrackedRun:
    client = connect()
    experiment_id = find_or_create_experiment(client, experiment).experiment_id
    wanted = " AND ".join(f"tags.`{tag}` = '{value}'" for tag, value in known_by.items())
    found = client.search_runs([experiment_id], wanted, max_results=1)
    if found:
        return TrackedRun(client, found[0].info.run_id)
    run, _ = start_run(experiment, name, {**known_by, **tags, **source_tags(current_commit())})
    return run


def _write(run: TrackedRun, one: StudyRun) -> None:
    report = read_json(one.training)
    run.log_params(one.params)
    for curve in one.curves:
        run.log_curve(
            [{key: row[key] for key in row if key != "epoch"} for row in read_curve(curve)]
        )
    metrics = read_metrics(one.metrics)
    signatures = {score.name: score.signature for score in metrics.scores}
    run.set_tags(scoring_tags(metrics.test.sha256, signatures))
    measured = {MEASURED[name]: report[name] for name in MEASURED}
    run.log_metrics({**measured, **dict(evaluation_metrics(metrics))})
    run.log_curve(sharpness_curve(metrics))
    run.log_files([one.metrics, one.translations], "evaluation")
    run.finish()
    mark_mirrored(run, STAGE, one.files)
