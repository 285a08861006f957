"""Problems in a project's folder: results that MLflow lacks, and files that were left behind."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tracelate import layout
from tracelate.config import load_params
from tracelate.corpus.further.report import READ_AGAIN, changed_test_files
from tracelate.doctor.problem import Problem
from tracelate.errors import InputError
from tracelate.files import SUFFIX, read_json
from tracelate.signing.trust import SETTING, read_trust
from tracelate.tracking.runs import evaluation_contents as evaluations
from tracelate.tracking.runs import log_training as trainings
from tracelate.tracking.runs.log_evaluation import find_evaluation
from tracelate.tracking.runs.run_writer import RunWriter
from tracelate.tracking.runs.runs import find_attached
from tracelate.tracking.runs.sync import sync_project
from tracelate.tracking.runs.sync_marks import is_synced
from tracelate.tracking.store.failures import StoreError
from tracelate.tracking.store.store import Store
from tracelate.training.run_file import read_training_run

PARTIAL_FILE = re.compile(rf"\..+\.([0-9a-f]{{16}}{re.escape(SUFFIX)}|[a-z0-9_]{{8}})")
"""Name that `whole_file` gives a file until it is complete, now or in Tracelate 0.1."""
FOLDERS = (layout.DATA, layout.MODELS, layout.REPORTS, layout.LOCAL)
MIN_AGE_S = 600
"""A partial file younger than this may still be being written."""


def project_problems(root: Path, store: Store | None) -> Iterator[Problem]:
    """Yields the problems of the project's folder.

    Without a store, the checks that need one are left out. Raises StoreError if MLflow fails.
    """
    if store is not None:
        if (root / layout.RUN).is_file():
            yield from _unsynced_results(root, store)
        for note in sorted((root / layout.CHECKPOINTS).glob(f"*/{layout.RUN.name}")):
            yield from _unused_checkpoints(note, store)
    for folder in FOLDERS:
        yield from _partial_files(root / folder)
    yield from _unreadable_keys(root)
    yield from _changed_test_sets(root)


def _unsynced_results(root: Path, store: Store) -> Iterator[Problem]:
    try:
        unsynced = _unsynced_stages(root, store)
    except StoreError:
        raise
    except (InputError, FileNotFoundError) as error:
        yield Problem(
            f"the files of the last training are incomplete: {error}",
            str(root / layout.MODELS),
            "run `dvc repro`, or `dvc checkout` if DVC has them",
        )
        return
    if unsynced:
        yield Problem(
            f"MLflow lacks the {' and the '.join(unsynced)} of this folder",
            str(root / layout.MODELS),
            "run `tracelate sync`",
            partial(sync_project, root),
        )


def _unsynced_stages(root: Path, store: Store) -> list[str]:
    """Returns the stages whose files differ from those that MLflow has."""
    training = read_training_run(root / layout.RUN)
    stages = {trainings.STAGE: trainings.training_files(root)}
    settings: dict[str, Any] = {}
    texts: dict[str, str] = {}
    if (lineage := find_evaluation(root)) is not None:
        stages[evaluations.STAGE] = evaluations.evaluation_files(root)
        settings, texts = evaluations.evaluation_settings(lineage), evaluations.text_tags(lineage)
    run = find_attached(store, training.run_id, training.experiment, settings, texts)
    if run is None:
        return list(stages)
    writer = RunWriter(store, run.run_id)
    return [stage for stage, files in stages.items() if not is_synced(writer, stage, files)]


def _unused_checkpoints(note: Path, store: Store) -> Iterator[Problem]:
    try:
        run = store.runs.find(read_json(note)["run_id"])
    except (ValueError, TypeError, LookupError):
        return  # `train` replaces a damaged note, and says so
    has_result = (note.parent / layout.FINISHED_TRAINING).is_file()
    if run is not None and run.status == "FINISHED" and not has_result:
        yield Problem(
            f"the training of run {run.run_id} has finished, but its checkpoints were not deleted",
            str(note.parent),
            "delete the folder: no training will resume from it",
        )


def _unreadable_keys(root: Path) -> Iterator[Problem]:
    try:
        read_trust(folder=root)
    except InputError as error:
        yield Problem(
            f"models cannot be used, because a trusted key cannot be read: {error}",
            str(root / layout.PARAMS),
            f"correct {SETTING}, or restore the key",
        )


def _changed_test_sets(root: Path) -> Iterator[Problem]:
    """Yields a problem for each changed file of a further test set, also where DVC sees none."""
    path = root / layout.TEST_SETS_PROVENANCE
    try:
        tests = load_params(root / layout.PARAMS).evaluate.tests
        for test, changed in changed_test_files(tests, root):
            what = f"{changed.name} of the test set {test!r} has changed since it was read"
            yield Problem(what, str(path), READ_AGAIN)
    except InputError:
        return  # other commands report settings and files that cannot be read


def _partial_files(folder: Path) -> Iterator[Problem]:
    for path in sorted(folder.rglob(".*")):
        is_old = path.is_file() and time.time() - path.stat().st_mtime > MIN_AGE_S
        if is_old and PARTIAL_FILE.fullmatch(path.name):
            yield Problem("a file is incomplete", str(path), "delete it: nothing reads it")
