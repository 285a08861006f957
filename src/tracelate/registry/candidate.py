"""A model that wants to be promoted: whether all that speaks for it is what was scored."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tracelate import layout
from tracelate.comparison.comparability import inconsistencies
from tracelate.comparison.parity import Parity, compare_translations
from tracelate.corpus.pairs import read_pairs
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage, read_lineage
from tracelate.evaluation.results import Evidence
from tracelate.files import sha256_of
from tracelate.lineage.checks import refuse_changed_project
from tracelate.tracking.address import shown_uri
from tracelate.tracking.failures import ArtifactError
from tracelate.tracking.log_model import LINEAGE_TAG
from tracelate.tracking.packed_models import packed_model
from tracelate.tracking.packed_translator import load_packed_translator
from tracelate.tracking.results import ARTIFACTS, find_evidence
from tracelate.tracking.store import Store

HASHED = (layout.LINEAGE, layout.METRICS, layout.TRANSLATIONS)
"""What a run keeps of its evaluation that its tags have the sha256 of."""
SHOWN = 12
"""Characters of a hash that people are shown."""


class Candidate(NamedTuple):
    evidence: Evidence
    run_id: str
    lineage: Lineage
    lineage_sha256: str
    """Of the run's lineage.json, which the packed model has too."""
    model_id: str
    """Of the run's LoggedModel."""

    @property
    def uri(self) -> str:
        return f"models:/{self.model_id}"


def find_candidate(store: Store, reference: str, test: Path) -> Candidate:
    """The run that `reference` names, with its model, all of it checked against `test`.

    Raises InputError where there is none, or which names the file that has changed.
    """
    evidence = find_evidence(reference)
    if evidence.run_id is None:
        raise InputError(
            f"{reference} is a folder: name the run that it was written to, `tracelate runs` lists "
            "them"
        )
    hashes = kept_hashes(store, evidence.run_id, evidence.name)
    with tempfile.TemporaryDirectory(prefix="tracelate-") as folder:
        path = _download(store, evidence.run_id, evidence.name, layout.LINEAGE, Path(folder))
        lineage = read_lineage(path)
    _refuse_other_test_set(evidence, lineage, test)
    if reasons := inconsistencies(evidence):
        raise InputError(f"{evidence.name}: {'; '.join(reasons)}. Evaluate it again")
    refuse_changed_project(Path(), lineage)
    candidate = Candidate(
        evidence,
        evidence.run_id,
        lineage,
        hashes[layout.LINEAGE.as_posix()],
        _model_of(store, evidence.run_id, evidence.name),
    )
    packed_with = store.models.get(candidate.model_id).tags.get(LINEAGE_TAG, "")
    _refuse_other_evaluation(candidate, candidate.uri, packed_with)
    return candidate


def kept_hashes(store: Store, run_id: str, name: str) -> dict[str, str]:
    """The sha256 of each of HASHED, as the run's tags have it.

    Raises InputError where a file is not the one that was logged.
    """
    tags = store.runs.get(run_id).tags
    hashes = {}
    with tempfile.TemporaryDirectory(prefix="tracelate-") as folder:
        for path in HASHED:
            wanted = tags.get(f"sha256.{path.as_posix()}")
            if wanted is None:
                raise InputError(
                    f"{name} has no sha256 of {path}: it was tracked by an earlier version; "
                    "evaluate it again"
                )
            found = sha256_of(_download(store, run_id, name, path, Path(folder)))
            if found != wanted:
                raise InputError(
                    f"{ARTIFACTS}/{path.name} of {name} has changed: its sha256 is "
                    f"{found[:SHOWN]}…, and {wanted[:SHOWN]}… was logged; evaluate again"
                )
            hashes[path.as_posix()] = wanted
    return hashes


def translate_again(
    candidate: Candidate, uri: str, on_progress: Callable[[str, int, int], object]
) -> tuple[Parity, Parity]:
    """The model at `uri` against the scored translations: first all test
    sentences at once, as evaluation had them; then each alone against those.

    Raises InputError where a file of the model is not the one of the run's lineage.
    """
    sources = [row.source for row in candidate.evidence.rows]
    scored = [row.translation for row in candidate.evidence.rows]
    with packed_model(uri) as packed:
        found = sha256_of(packed.artifacts / layout.LINEAGE.name)
        _refuse_other_evaluation(candidate, uri, found)
        model = load_packed_translator(packed.artifacts)
        total = len(sources)
        on_progress("translating in batches", 0, total)
        together = [str(text) for text in model.translate(sources)]
        on_progress("translating in batches", total, total)
        alone: list[str] = []
        for source in sources:
            alone += [str(text) for text in model.translate([source])]
            on_progress("translating one by one", 1, total)
    return compare_translations(scored, together), compare_translations(together, alone)


def _refuse_other_evaluation(candidate: Candidate, uri: str, found: str) -> None:
    """`found` is the sha256 of the packed lineage.json."""
    if found != candidate.lineage_sha256:
        raise InputError(
            f"lineage.json of {uri} is another than that of {candidate.evidence.name}: its "
            f"sha256 is {found[:SHOWN]}… and not {candidate.lineage_sha256[:SHOWN]}…. The "
            "model was packed with the evaluation of another run: promote that one"
        )


def _refuse_other_test_set(evidence: Evidence, lineage: Lineage, test: Path) -> None:
    wanted = lineage.test_sha256
    if not test.is_file():
        raise InputError(
            f"{test} is missing, on which {evidence.name} was scored: `dvc pull` or `dvc repro` "
            "brings it, or name it with --test"
        )
    found = sha256_of(test)
    if found != wanted or evidence.metrics.test.sha256 != wanted:
        raise InputError(
            f"{test} has sha256 {found[:SHOWN]}…, and {evidence.name} was scored on "
            f"{wanted[:SHOWN]}…: check out the data that it was scored on, or name it with --test"
        )
    pairs = [(pair.source, pair.target) for pair in read_pairs(test)]
    if pairs != [(row.source, row.reference) for row in evidence.rows]:
        raise InputError(
            f"{layout.TRANSLATIONS.name} of {evidence.name} has other sentences than {test}: "
            "evaluate again"
        )


def _model_of(store: Store, run_id: str, name: str) -> str:
    linked = store.runs.get(run_id).model_ids
    if not linked:
        raise InputError(f"{name} has no packed model: `tracelate sync` writes what MLflow lacks")
    return linked[-1]


def _download(store: Store, run_id: str, name: str, path: Path, folder: Path) -> Path:
    place = f"{ARTIFACTS}/{path.name}"
    try:
        return store.runs.download_file(run_id, place, folder)
    except ArtifactError as error:
        raise InputError(
            f"{name} has no {place} in {shown_uri()}: its artifacts are gone; evaluate again"
        ) from error
