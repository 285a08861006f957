"""Writing an evaluation to MLflow from the files of its stage."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tracelate import layout
from tracelate.evaluation.lineage import Lineage, read_lineage, refuse_changed_files
from tracelate.files import sha256_of
from tracelate.tracking.packages.model_card import GENERATED, short_card
from tracelate.tracking.runs.evaluation_contents import (
    STAGE,
    evaluation_contents,
    evaluation_files,
    evaluation_settings,
    text_tags,
)
from tracelate.tracking.runs.log_later_evaluation import log_later_evaluation
from tracelate.tracking.runs.log_model import find_logged_model, log_model
from tracelate.tracking.runs.log_training import track_training
from tracelate.tracking.runs.run_names import run_name
from tracelate.tracking.runs.run_writer import RunWriter
from tracelate.tracking.runs.runs import DESCRIPTION_TAG, attach_run
from tracelate.tracking.runs.sync_marks import finish_stage, is_synced
from tracelate.training.run_file import read_training_run


class SyncResult(NamedTuple):
    """The run that a project's files were written to, and what was written."""

    run: RunWriter
    is_new: bool
    """True if the run was created now, in place of one that is gone or has other settings."""
    wrote_training: bool
    wrote_evaluation: bool


def find_evaluation(root: Path = Path()) -> Lineage | None:
    """Returns the lineage of the model in models/, or None if that model was not evaluated.

    After a new training, the files in reports/ are those of the previous model.

    Raises InputError if the lineage or the training's file is damaged.
    """
    if not (root / layout.LINEAGE).is_file():
        return None
    lineage = read_lineage(root / layout.LINEAGE)
    if lineage.training != read_training_run(root / layout.RUN):
        return None
    hashes = {path: sha256_of(root / path) for path in lineage.model}
    return lineage if hashes == lineage.model else None


def track_evaluation(root: Path = Path()) -> SyncResult:
    """Writes an evaluated model and its training to the run that `attach_run` returns.

    What the run has already is left as it is.

    Raises InputError if the project has no complete evaluation, and StoreError if MLflow fails.
    """
    lineage = read_lineage(root / layout.LINEAGE)
    refuse_changed_files(root, lineage.tokenized)
    for one in lineage.test_sets.values():
        refuse_changed_files(root, one.evaluation)
    training, name = lineage.training, run_name(lineage.params)
    settings, texts = evaluation_settings(lineage), text_tags(lineage)
    run, is_new = attach_run(training.run_id, training.experiment, name, settings, texts)
    wrote_training = track_training(run, lineage.params, root)
    files = evaluation_files(root)
    if is_synced(run, STAGE, files):
        return SyncResult(run, is_new, wrote_training, wrote_evaluation=False)
    if not _has_signed_scores(run, lineage):
        contents = evaluation_contents(lineage, root)
        run.write(contents)
        log_model(run, lineage, contents, root)
        describe_run(run, short_card(root))
    for test in lineage.test_sets:
        log_later_evaluation(run, test, root / layout.TEST_RESULTS / test, STAGE)
    finish_stage(run, STAGE, files)
    return SyncResult(run, is_new, wrote_training, wrote_evaluation=True)


def describe_run(run: RunWriter, card: str) -> None:
    """Makes the card in short the run's description, unless a user has written one."""
    before = run.tag(DESCRIPTION_TAG)
    if before is None or before.endswith(GENERATED):
        run.set_tags({DESCRIPTION_TAG: card})


def _has_signed_scores(run: RunWriter, lineage: Lineage) -> bool:
    """Returns True if the run has the lineage's own scores, and its model is signed with them.

    Only further test sets can be new then. The run and the model keep the lineage that was signed,
    because another one would make the signature invalid.
    """
    stored = run.store.runs.get(run.run_id)
    if any(stored.tags.get(f"sha256.{name}") != one for name, one in lineage.evaluation.items()):
        return False
    model = find_logged_model(run.store, stored.experiment_id, lineage)
    if model is None:
        return False
    return layout.PACKAGE_SIGNATURE.name in run.store.models.list_files(model.artifact_location)
