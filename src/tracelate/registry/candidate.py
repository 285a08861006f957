"""A candidate for promotion: a run's evaluation and model, checked before the gate."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tracelate import layout
from tracelate.corpus.pairs import read_pairs
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage
from tracelate.evaluation.results import Evidence
from tracelate.files import sha256_of
from tracelate.lineage.checks import refuse_changed_project
from tracelate.registry.logged_evaluation import (
    LoggedEvaluation,
    read_evaluation,
    refuse_other_lineage,
    shorten,
)
from tracelate.tracking.references.references import Reference
from tracelate.tracking.runs.log_model import LINEAGE_TAG
from tracelate.tracking.store.store import Store


class Candidate(NamedTuple):
    """A model that may be promoted, with its evaluation."""

    evaluation: LoggedEvaluation
    model_id: str
    """Id of the run's logged model."""

    @property
    def run_id(self) -> str:
        return self.evaluation.run.run_id

    @property
    def title(self) -> str:
        return self.evaluation.title

    @property
    def evidence(self) -> Evidence:
        return self.evaluation.evidence

    @property
    def lineage(self) -> Lineage:
        return self.evaluation.lineage

    @property
    def uri(self) -> str:
        """Address of the logged model."""
        return f"models:/{self.model_id}"


def find_candidate(store: Store, reference: Reference, test: Path) -> Candidate:
    """Returns the run that `reference` names with its model.

    Raises InputError if there is none, or if its files, its scores, its test set or this folder
    differ from its lineage.
    """
    evaluation = read_evaluation(store, reference)
    _refuse_other_test_set(evaluation, test)
    refuse_changed_project(Path(), evaluation.lineage)
    if not evaluation.run.model_ids:
        raise InputError(
            f"{evaluation.title} has no packed model: `tracelate sync` logs what MLflow lacks"
        )
    model = store.models.get(evaluation.run.model_ids[-1])
    candidate = Candidate(evaluation, model.model_id)
    refuse_other_lineage(evaluation, candidate.uri, model.tags.get(LINEAGE_TAG))
    return candidate


def _refuse_other_test_set(evaluation: LoggedEvaluation, test: Path) -> None:
    title, expected = evaluation.title, evaluation.lineage.test_sha256
    if not test.is_file():
        raise InputError(
            f"{test}, on which {title} was scored, is missing: run `dvc pull` or `dvc repro`, or "
            "name the file with --test"
        )
    found = sha256_of(test)
    if found != expected or evaluation.evidence.metrics.test.sha256 != expected:
        raise InputError(
            f"{test} has sha256 {shorten(found)}, but {title} was scored on {shorten(expected)}: "
            "check out the data that it was scored on, or name the file with --test"
        )
    pairs = [(pair.source, pair.target) for pair in read_pairs(test)]
    if pairs != [(row.source, row.reference) for row in evaluation.evidence.rows]:
        raise InputError(
            f"{layout.TRANSLATIONS.name} of {title} has other sentences than {test}: evaluate it "
            "again"
        )
