"""Checks of the signatures of models, and of the receipts that models gave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.lineage import read_lineage
from tracelate.files import sha256_of
from tracelate.lineage.checks import LineageCheck, check_equal
from tracelate.lineage.trace import Trace
from tracelate.signing.package_signature import hash_package, open_signature, read_signature
from tracelate.signing.receipt import RECEIPT_FORMAT, ReceiptModel
from tracelate.signing.trust import SETTING, Trust
from tracelate.tracking.packages.package_files import MODEL_FILE
from tracelate.tracking.references.packed_models import packed_model
from tracelate.tracking.references.references import FilesReference, ProjectReference, Reference
from tracelate.tracking.references.signatures import signed_text, version_title
from tracelate.training.model_files import WEIGHTS

SIGNATURE = "signature"
"""Name of the check in lists."""


def check_local_signature(place: str, artifacts: Path, trust: Trust) -> Iterator[LineageCheck]:
    """Checks the signature of the package to which a folder with a model's own files belongs."""
    package = artifacts.parent
    if (package / MODEL_FILE).is_file():
        yield _check(place, package, trust, None, is_required=True)


def check_stored_signature(
    place: str, package: Path, trace: Trace, trust: Trust
) -> Iterator[LineageCheck]:
    """Checks the signature of the package that was downloaded for a trace.

    A version and a logged model need one where trusted keys are set; the model of a run or of a
    project gets it when it is promoted.
    """
    if (package / MODEL_FILE).is_file():
        is_required = trace.found.version is not None or trace.found.model_id is not None
        yield _check(place, package, trust, trace, is_required)


def _check(
    place: str, package: Path, trust: Trust, trace: Trace | None, is_required: bool
) -> LineageCheck:
    signature = read_signature(package)
    if not trust.is_required:
        reason = "unsigned" if signature is None else f"signed, but {SETTING} is empty"
        return LineageCheck(place, SIGNATURE, "not here", reason)
    if signature is None and not is_required:
        return LineageCheck(place, SIGNATURE, "not here", "unsigned, because it was not promoted")
    try:
        verified = open_signature(signature, trust.keys, "it")
        if trace is not None and trace.found.version is not None:
            verified.refuse_other_version(version_title(trace.found.version))
        elif trace is not None and trace.found.model_id is not None:
            verified.refuse_other_model(trace.found.model_id)
        verified.refuse_changed_files(hash_package(package))
    except InputError as error:
        return LineageCheck(place, SIGNATURE, "differs", str(error))
    return LineageCheck(place, SIGNATURE, "same", signed_text(verified))


def check_receipt_model(
    model: ReceiptModel, reference: Reference, trust: Trust
) -> Iterator[LineageCheck]:
    """Checks that the model that a reference names is the one of a receipt, down to its corpus.

    Raises InputError if the reference has no lineage, or its model has to be signed and is not.
    """
    match reference:
        case ProjectReference(root=root):
            yield from _check_files(model, root / layout.MODELS / WEIGHTS, root / layout.LINEAGE)
        case FilesReference(folder=folder):
            yield from _check_files(model, folder / WEIGHTS, folder / layout.LINEAGE.name)
        case _:
            with packed_model(reference, trust) as packed:
                artifacts = packed.artifacts
                yield from _check_files(model, artifacts / WEIGHTS, artifacts / layout.LINEAGE.name)


def _check_files(model: ReceiptModel, weights: Path, lineage_path: Path) -> Iterator[LineageCheck]:
    place = "the model"
    lineage = read_lineage(lineage_path)
    found = sha256_of(weights) if weights.is_file() else "missing"
    for what, value, wanted in (
        (WEIGHTS, found, model.weights_sha256),
        (f"{WEIGHTS} in its lineage", lineage.weights_sha256, model.weights_sha256),
        (lineage_path.name, sha256_of(lineage_path), model.lineage_sha256),
        ("run", lineage.training.run_id, model.run_id),
        ("corpus", lineage.corpus, model.corpus),
    ):
        yield check_equal(place, what, value, wanted, RECEIPT_FORMAT.name)
