"""From a reference to the run of MLflow that holds its evaluation."""

from __future__ import annotations

from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage
from tracelate.tracking.references.local_references import read_local_lineage
from tracelate.tracking.references.references import (
    SHORT_ID,
    ModelReference,
    ProjectReference,
    Reference,
    RunReference,
    VersionReference,
)
from tracelate.tracking.runs.evaluation_contents import evaluation_settings, text_tags
from tracelate.tracking.runs.run_writer import flatten
from tracelate.tracking.runs.runs import RESTORED_FROM
from tracelate.tracking.store.address import has_store, shown_uri
from tracelate.tracking.store.records import StoredRun
from tracelate.tracking.store.store import Store, connect
from tracelate.training.run_file import read_training_run


def connect_for(reference: Reference) -> Store:
    """Opens the project's store to look up a reference.

    Raises InputError if there is no store, which `connect` would create.
    """
    if not has_store():
        raise InputError(
            f"the run of {reference.text} cannot be looked up, because there is no MLflow store "
            f"at {shown_uri()}: set MLFLOW_TRACKING_URI to the store, or go to the project's folder"
        )
    return connect()


def run_of_reference(store: Store, reference: Reference) -> StoredRun:
    """Returns the run that holds the reference's evaluation.

    For a project whose model was not evaluated yet, it is the run that trained the model.

    Raises InputError if the store has no such run.
    """
    match reference:
        case RunReference():
            return reference.run
        case VersionReference(version=version):
            model = None if version.model_id is None else store.models.find(version.model_id)
            run_id = version.run_id or (None if model is None else model.run_id)
        case ModelReference():
            run_id = reference.model.run_id
        case ProjectReference() if (training := _unevaluated_training(reference)) is not None:
            run_id = training
        case _:
            return _run_of_evaluation(store, reference.text, read_local_lineage(reference))
    run = None if run_id is None else store.runs.find(run_id)
    if run is None:
        raise InputError(
            f"the run of {reference.text} ({run_id}) is not in {shown_uri()}: name another, "
            "restore the run, or write it again with `tracelate sync`"
        )
    return run


def find_evaluated_run(store: Store, reference: Reference) -> tuple[StoredRun, str]:
    """Returns the run of `run_of_reference`, and a title of it for messages."""
    run = run_of_reference(store, reference)
    is_run = isinstance(reference, RunReference | ProjectReference)
    return run, shown_run(run) if is_run else reference.text


def run_of_lineage(store: Store, lineage: Lineage) -> StoredRun | None:
    """Returns the run of the lineage's training, or the replacement run that fits better.

    A run that holds the lineage's evaluation comes first, then one with its evaluation settings,
    then one with the same text of each further test set.
    """
    training = store.runs.find(lineage.training.run_id)
    experiments = [one.experiment_id for one in store.runs.experiments()]
    newest_first = store.runs.search(
        experiments, f"tags.`{RESTORED_FROM}` = '{lineage.training.run_id}'"
    )
    runs = [*([training] if training is not None else []), *reversed(newest_first)]
    settings = {name: str(value) for name, value in flatten(evaluation_settings(lineage))}
    texts = text_tags(lineage)

    def fit(run: StoredRun) -> tuple[bool, bool, bool]:
        return (
            holds_evaluation(run, lineage),
            settings.items() <= run.params.items(),
            texts.items() <= run.tags.items(),
        )

    return max(runs, key=fit, default=None)  # of several that fit equally, the first


def holds_evaluation(run: StoredRun, lineage: Lineage) -> bool:
    """Returns True if the run's tags name the lineage's scores and translations."""
    return all(
        run.tags.get(f"sha256.{name}") == sha256 for name, sha256 in lineage.evaluation.items()
    )


def shown_run(run: StoredRun) -> str:
    """Returns a run's name and the beginning of its id, for messages."""
    return f"{run.name} ({run.run_id[:SHORT_ID]})"


def _run_of_evaluation(store: Store, text: str, lineage: Lineage) -> StoredRun:
    run = run_of_lineage(store, lineage)
    if run is None or not holds_evaluation(run, lineage):
        raise InputError(
            f"{shown_uri()} has no run with the evaluation of {text} (training run "
            f"{lineage.training.run_id}): write it there with `tracelate sync`, or set "
            "MLFLOW_TRACKING_URI to the store that has it"
        )
    return run


def _unevaluated_training(reference: ProjectReference) -> str | None:
    """Returns the id of the run that trained the project's model if it was not evaluated yet.

    A path in reports/ names the evaluation there, also after a new training.
    """
    root = reference.root
    if not (root / layout.LINEAGE).is_file():
        return read_training_run(root / layout.RUN).run_id
    if reference.part == "reports" or not (root / layout.RUN).is_file():
        return None
    training = read_training_run(root / layout.RUN)
    return training.run_id if training != read_local_lineage(reference).training else None
