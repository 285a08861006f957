"""From a reference to the evaluation that it names."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.evaluation_record import RECORD, EvaluationRecord, read_record
from tracelate.evaluation.lineage import read_lineage
from tracelate.evaluation.results import METRICS, TRANSLATIONS, Evidence, read_evidence
from tracelate.files import sha256_of
from tracelate.tracking.references.local_references import changed_model_files, read_local_lineage
from tracelate.tracking.references.reference_runs import connect_for, find_evaluated_run
from tracelate.tracking.references.references import (
    FilesReference,
    ProjectReference,
    Reference,
)
from tracelate.tracking.runs.evaluation_contents import STAGE, evaluation_settings
from tracelate.tracking.runs.log_later_evaluation import artifacts_of, hash_tag
from tracelate.tracking.runs.run_writer import flatten
from tracelate.tracking.store.address import has_store, shown_uri
from tracelate.tracking.store.failures import ArtifactError, StoreError
from tracelate.tracking.store.records import StoredRun
from tracelate.tracking.store.store import Store, connect


def find_evidence(reference: Reference, test: str | None = None) -> Evidence:
    """Returns the evaluation of a project, of a folder that has its files, or of a run.

    For a packed model and for a model in MLflow it is the evaluation that its run holds. With the
    name of a further test set, it is what the run has of `tracelate evaluate --log` in any case.

    Raises InputError if there is none, or if the project's model is not the one that was evaluated;
    and StoreError if MLflow fails.
    """
    if test is not None:
        store = connect_for(reference)
        return download_further(store, *find_evaluated_run(store, reference), test)
    match reference:
        case ProjectReference(text=text, root=root):
            _refuse_unevaluated_model(reference)
            return _with_settings(read_evidence(root / layout.REPORTS, text), root / layout.REPORTS)
        case FilesReference(text=text, folder=folder) if (folder / METRICS).is_file():
            return _with_settings(read_evidence(folder, text), folder)
    store = connect_for(reference)
    return download_evidence(store, *find_evaluated_run(store, reference))


def download_evidence(store: Store, run: StoredRun, name: str) -> Evidence:
    """Returns the run's evaluation under that name. Raises InputError if it has none."""
    with tempfile.TemporaryDirectory(prefix="tracelate-") as folder:
        for file in (METRICS, TRANSLATIONS):
            try:
                fetched = store.runs.download_file(run.run_id, f"{STAGE}/{file}", Path(folder))
            except ArtifactError as error:
                raise InputError(
                    f"{name} has no {STAGE}/{file} in {shown_uri()}: it was not evaluated, or its "
                    "artifacts are gone; run `dvc repro`, which evaluates"
                ) from error
        place = fetched.parent
        try:
            return read_evidence(place, name, run.run_id)._replace(params=run.params)
        except InputError as error:  # the temporary folder's name says nothing to a user
            raise InputError(f"{name}: {str(error).replace(f'{place}/', '')}") from error


def download_further(store: Store, run: StoredRun, name: str, test: str) -> Evidence:
    """Returns the run's evaluation on a further test set.

    Raises InputError if the run has none, or if its files are not those that were logged.
    """
    title = f"{name} on {test}"
    with tempfile.TemporaryDirectory(prefix="tracelate-") as folder:
        for file in (METRICS, TRANSLATIONS, RECORD):
            logged = run.tags.get(hash_tag(test, file))
            try:
                if logged is None:
                    raise ArtifactError(file, "the run has no sha256 of it")
                address = f"{artifacts_of(test)}/{file}"
                fetched = store.runs.download_file(run.run_id, address, Path(folder))
            except ArtifactError as error:
                raise InputError(
                    f"{name} has no evaluation on the test set {test!r} in {shown_uri()}: add it "
                    f"with `tracelate evaluate --model {run.run_id} … --log {test}`"
                ) from error
            if sha256_of(fetched) != logged:
                raise InputError(f"{file} of {title} has changed: evaluate again with --log {test}")
        try:
            found = read_evidence(fetched.parent, title, run.run_id)
            return found._replace(params={**run.params, **_decoding(read_record(fetched.parent))})
        except InputError as error:
            raise InputError(f"{title}: {str(error).replace(f'{fetched.parent}/', '')}") from error


def _with_settings(found: Evidence, folder: Path) -> Evidence:
    """Adds the settings that the lineage or the record beside an evaluation names, if it has one.

    Raises InputError if that file is damaged.
    """
    if (folder / layout.LINEAGE.name).is_file():
        lineage = read_lineage(folder / layout.LINEAGE.name)
        return found._replace(params=_as_logged({**lineage.params, **evaluation_settings(lineage)}))
    if not (folder / RECORD).is_file():
        return found
    record = read_record(folder)
    return found._replace(params={**_training_settings(record), **_decoding(record)})


def _training_settings(record: EvaluationRecord) -> Mapping[str, str]:
    """Returns the settings of the run that trained the model, if the store has it."""
    if record.model.training_run_id is None or not has_store():
        return {}
    try:
        run = connect().runs.find(record.model.training_run_id)
    except StoreError:  # the files can be compared without it
        return {}
    return {} if run is None else run.params


def _decoding(record: EvaluationRecord) -> dict[str, str]:
    model = record.model
    return _as_logged(
        {
            "evaluate": {
                "beam_size": model.beam_size,
                "length_penalty": model.length_penalty,
                "batch_sentences": model.batch_sentences,
            }
        }
    )


def _as_logged(params: Mapping[str, Any]) -> dict[str, str]:
    """Returns nested settings as a run has them."""
    return {name: str(value) for name, value in flatten(params)}


def _refuse_unevaluated_model(reference: ProjectReference) -> None:
    """Raises InputError if the evaluation in reports/ is not that of the model in models/.

    A path in reports/ names the evaluation there, whatever the model.
    """
    root = reference.root
    if reference.part == "reports" or not (root / layout.LINEAGE).is_file():
        return
    if changed := changed_model_files(root, read_local_lineage(reference)):
        raise InputError(
            f"the model of {reference.text} was not evaluated: {', '.join(changed)} is not what "
            f"{root / layout.LINEAGE} names; run `dvc repro`, or name {root / layout.REPORTS} for "
            "the earlier evaluation"
        )
