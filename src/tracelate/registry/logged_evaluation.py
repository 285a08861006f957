"""An evaluation as it was logged to MLflow, checked against the hashes in its run's tags."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from tracelate import layout
from tracelate.comparison.comparability import inconsistencies
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage, read_lineage
from tracelate.evaluation.results import Evidence, read_evidence
from tracelate.files import sha256_of
from tracelate.signing.package_signature import PackageSignature
from tracelate.tracking.packages.package_files import ARTIFACTS_FOLDER
from tracelate.tracking.references.reference_runs import find_evaluated_run
from tracelate.tracking.references.references import Reference
from tracelate.tracking.runs.evaluation_contents import STAGE
from tracelate.tracking.store.address import shown_uri
from tracelate.tracking.store.failures import ArtifactError
from tracelate.tracking.store.records import StoredRun
from tracelate.tracking.store.store import Store

CHECKED_FILES = (layout.LINEAGE, layout.METRICS, layout.TRANSLATIONS)
"""Files of an evaluation whose sha256 the run's tags contain."""
HASH_LENGTH = 12
"""Number of a hash's characters in messages."""


class LoggedEvaluation(NamedTuple):
    """An evaluation whose files are the ones that were logged."""

    run: StoredRun
    evidence: Evidence
    lineage: Lineage
    lineage_sha256: str
    """Hash of lineage.json."""

    @property
    def title(self) -> str:
        """Name of the run or version, for messages."""
        return self.evidence.name


def read_evaluation(store: Store, reference: Reference) -> LoggedEvaluation:
    """Downloads the evaluation that the run of a reference holds, and checks it.

    Raises InputError if there is none, if a file is missing or differs from its hash, or if the
    scores cannot be those of the translations.
    """
    run, title = find_evaluated_run(store, reference)
    with tempfile.TemporaryDirectory(prefix="tracelate-") as temporary:
        [place] = {_download(store, run, title, path, Path(temporary)) for path in CHECKED_FILES}
        try:
            evidence = read_evidence(place, title, run.run_id)._replace(params=run.params)
            lineage = read_lineage(place / layout.LINEAGE.name)
        except InputError as error:  # without the temporary folder, which is deleted
            raise InputError(f"{title}: {str(error).replace(f'{place}/', '')}") from error
    if reasons := inconsistencies(evidence):
        raise InputError(f"{title}: {'; '.join(reasons)}. Evaluate it again")
    return LoggedEvaluation(run, evidence, lineage, run.tags[_hash_tag(layout.LINEAGE)])


def refuse_other_lineage(evaluation: LoggedEvaluation, uri: str, found: str | None) -> None:
    """Raises InputError if a model was not packed with the evaluation.

    `found` is the sha256 of the lineage.json that the model at `uri` was packed with.
    """
    if found != evaluation.lineage_sha256:
        known = "unknown" if found is None else shorten(found)
        raise InputError(
            f"lineage.json of {uri} differs from that of {evaluation.title}: its sha256 is "
            f"{known}, not {shorten(evaluation.lineage_sha256)}. The model "
            "was packed with the evaluation of another run: promote that run"
        )


def refuse_unsigned_evaluation(evaluation: LoggedEvaluation, signature: PackageSignature) -> None:
    """Raises InputError unless the scores and translations are those of the signed lineage."""
    signed = signature.files.get(f"{ARTIFACTS_FOLDER}/{layout.LINEAGE.name}")
    if signed != evaluation.lineage_sha256:
        raise InputError(
            f"lineage.json of {evaluation.title} has sha256 {shorten(evaluation.lineage_sha256)}, "
            f"but {shorten(signed or 'no lineage')} was signed: promote {signature.place} again "
            "with --sign-with"
        )
    for name, sha256 in evaluation.lineage.evaluation.items():
        if evaluation.run.tags.get(_hash_tag(Path(name))) != sha256:
            raise InputError(
                f"{name} of {evaluation.title} is not the one that its signed lineage names: "
                "restore the run's files"
            )


def shorten(sha256: str) -> str:
    """Returns the beginning of a hash, for messages."""
    return f"{sha256[:HASH_LENGTH]}…"


def _download(store: Store, run: StoredRun, title: str, path: Path, folder: Path) -> Path:
    """Downloads a file, checks its hash, and returns the folder that it is in."""
    name, logged = f"{STAGE}/{path.name}", run.tags.get(_hash_tag(path))
    if logged is None:
        raise InputError(
            f"{title} has no sha256 of {path}: it was not evaluated, or it was logged by an older "
            "version; evaluate it again (dvc repro)"
        )
    try:
        downloaded = store.runs.download_file(run.run_id, name, folder)
    except ArtifactError as error:
        raise InputError(
            f"{title} has no {name} in {shown_uri()}: its artifacts are gone; evaluate it again"
        ) from error
    found = sha256_of(downloaded)
    if found != logged:
        raise InputError(
            f"{name} of {title} has changed: its sha256 is {shorten(found)}, but "
            f"{shorten(logged)} was logged; evaluate it again"
        )
    return downloaded.parent


def _hash_tag(path: Path) -> str:
    return f"sha256.{path.as_posix()}"
