"""The signatures of packed models, checked against the trusted keys."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from tracelate.signing.keys import shorten
from tracelate.signing.package_signature import (
    SIGNATURE,
    PackageSignature,
    hash_package,
    open_signature,
    read_signature,
)
from tracelate.signing.trust import SETTING, Trust
from tracelate.tracking.references.local_references import needs_signature
from tracelate.tracking.references.references import (
    ModelReference,
    Reference,
    VersionReference,
)
from tracelate.tracking.store.failures import ArtifactError
from tracelate.tracking.store.records import StoredVersion
from tracelate.tracking.store.store import Store


class SignatureState(NamedTuple):
    """The result of checking a model's signature."""

    text: str
    """One line for the user, such as `unsigned`."""
    verified: PackageSignature | None = None
    """None without trusted keys."""


def check_signature(reference: Reference, folder: Path, trust: Trust, place: str) -> SignatureState:
    """Checks the signature of the package in `folder`, which a reference names.

    Raises SignatureError if trusted keys are set, and none of them has signed all files of the
    package for the version that is named.
    """
    signature = read_signature(folder)
    if not needs_signature(reference, trust):
        return SignatureState(_unchecked(signature))
    verified = open_signature(signature, trust.keys, place)
    refuse_other_reference(reference, verified)
    verified.refuse_changed_files(hash_package(folder))
    return SignatureState(signed_text(verified), verified)


def refuse_other_reference(reference: Reference, signature: PackageSignature) -> None:
    """Raises SignatureError if a package was not signed as what the reference names."""
    match reference:
        case VersionReference(version=version):
            signature.refuse_other_version(version_title(version))
        case ModelReference(model=model):
            signature.refuse_other_model(model.model_id)
        case _:
            return


def find_version_signature(store: Store, version: StoredVersion, trust: Trust) -> PackageSignature:
    """Returns the signature of a version, without checking the version's files.

    Raises SignatureError if no trusted key has signed the version.
    """
    title = version_title(version)
    signature = download_signature(store, store.registry.location(version))
    verified = open_signature(signature, trust.keys, title)
    verified.refuse_other_version(title)
    return verified


def download_signature(store: Store, location: str) -> bytes | None:
    """Returns the content of model.sig of the package at `location`, or None without one."""
    with tempfile.TemporaryDirectory(prefix="tracelate-") as temporary:
        try:
            path = store.models.download(f"{location.rstrip('/')}/{SIGNATURE}", Path(temporary))
        except ArtifactError:
            return None
        return read_signature(path.parent)


def version_title(version: StoredVersion) -> str:
    """Returns the name by which a version is signed, such as tracelate/3."""
    return f"{version.name}/{version.version}"


def signed_text(signature: PackageSignature) -> str:
    """Returns a line that says who signed a model as what."""
    versions, model = ", ".join(signature.model.registered), signature.model
    return (
        f"signed as {versions} at {model.signed_at} with key {shorten(signature.key.fingerprint)}"
    )


def _unchecked(signature: bytes | None) -> str:
    return "unsigned" if signature is None else f"signed, but {SETTING} is empty"
