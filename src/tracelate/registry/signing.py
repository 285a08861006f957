"""Signing a version: with a promotion, before the alias is moved."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.lineage import MODEL_FILES, lineage_document
from tracelate.files import sha256_of
from tracelate.registry.candidate import Candidate
from tracelate.registry.retranslation import Retranslation
from tracelate.registry.versions import Alias
from tracelate.signing.envelope import SignatureError
from tracelate.signing.keys import KEY_VARIABLE, SigningKey, shorten
from tracelate.signing.package_signature import (
    SIGNATURE,
    SignedModel,
    open_signature,
    sign_package,
)
from tracelate.signing.trust import NO_TRUST, SETTING, Trust
from tracelate.tracking.packages.package_files import ARTIFACTS_FOLDER
from tracelate.tracking.store.store import Store

SIGNED_TAG = "tracelate.signed_with"
"""Tag of a version with the fingerprint of the key that signed it, for people to see."""


Origin = Literal["folder", "store"]
"""The place that the signed files were compared with: this folder's model, or MLflow alone."""


class Signing(NamedTuple):
    """The key to sign with, and the keys that signatures are checked with."""

    key: SigningKey | None = None
    """None to sign nothing."""
    trust: Trust = NO_TRUST

    def refuse_untrusted(self) -> None:
        """Raises InputError if the promoted model would not be served for lack of a signature."""
        if not self.trust.is_required:
            return
        if self.key is None:
            raise InputError(
                f"{SETTING} is set, and an unsigned model would not be served: name the private "
                f"key with --sign-with or {KEY_VARIABLE}"
            )
        if self.key.public.fingerprint not in {key.fingerprint for key in self.trust.keys}:
            raise InputError(
                f"the key {shorten(self.key.public.fingerprint)} is none of {SETTING}: sign with "
                "another one, or add its public key there"
            )


def sign_version(
    store: Store,
    candidate: Candidate,
    alias: Alias,
    version: str,
    retranslation: Retranslation,
    signing: Signing,
) -> Origin | None:
    """Signs the files that were translated with, as that version; without a key it does nothing.

    If the package was signed for other versions before, it stays signed for them.

    Raises InputError if code of the package is neither that of the installed Tracelate nor that of
    the training's commit.
    """
    if signing.key is None:
        return None
    registered = f"{alias.model}/{version}"
    if retranslation.foreign_code is not None:
        raise InputError(
            f"{registered} was not signed: {retranslation.foreign_code}; sign it with the "
            "Tracelate that packed it, or restore the package"
        )
    model = SignedModel(
        registered=[*_other_versions(retranslation, registered, signing), registered],
        model_id=candidate.model_id,
        run_id=candidate.run_id,
        weights_sha256=candidate.lineage.weights_sha256,
        corpus=candidate.lineage.corpus,
        signed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        lineage=lineage_document(candidate.lineage),
    )
    signature = sign_package(retranslation.files, model, signing.key)
    with tempfile.TemporaryDirectory(prefix="tracelate-") as folder:
        path = Path(folder) / SIGNATURE
        path.write_bytes(signature)
        store.models.log_file(candidate.model_id, path)
    fingerprint = signing.key.public.fingerprint
    store.registry.set_version_tag(alias.model, version, SIGNED_TAG, fingerprint)
    return _origin(retranslation.files)


def _origin(files: Mapping[str, str]) -> Origin:
    """Compares a package with this folder, which a forger of MLflow's store cannot write."""
    own = [layout.LINEAGE, *(layout.MODELS / name for name in MODEL_FILES)]
    is_same = all(
        path.is_file() and sha256_of(path) == files.get(f"{ARTIFACTS_FOLDER}/{path.name}")
        for path in own
    )
    return "folder" if is_same else "store"


def _other_versions(retranslation: Retranslation, registered: str, signing: Signing) -> list[str]:
    """Returns the versions that a trusted signature of the same files names."""
    known = [*signing.trust.keys, *([signing.key.public] if signing.key is not None else [])]
    try:
        earlier = open_signature(retranslation.signature, known, registered)
        earlier.refuse_changed_files(retranslation.files)
    except SignatureError:
        return []
    return [one for one in earlier.model.registered if one != registered]
