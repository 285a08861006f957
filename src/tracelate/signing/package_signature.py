"""The signature of a packed model: which files it has, which version it is, and its lineage.

It is an OpenSSF model signature (https://github.com/ossf/model-signing-spec), which the command
`model_signing verify key` checks too. Its predicate allows fields of others; `tracelate` holds the
registered versions that the package was signed for, and the whole lineage. So a package cannot pass
for another version.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from tracelate.file_format import FileForm, FileFormat
from tracelate.files import sha256_of
from tracelate.layout import PACKAGE_SIGNATURE
from tracelate.signing.envelope import SignatureError, open_statement, sign_statement
from tracelate.signing.keys import PublicKey, SigningKey

SIGNATURE = PACKAGE_SIGNATURE.name
NOT_SIGNED = (SIGNATURE, "registered_model_meta")
"""Files that the signature does not cover: itself, and MLflow's note on a downloaded version."""
PREDICATE_TYPE = "https://model_signing/signature/v1.0"
OWN_FIELD = "tracelate"


class SignedModel(FileForm):
    """The part of a signature beside the hashes of the package's files."""

    registered: list[str]
    """Versions of registered models that the package was signed for, such as tracelate/3."""
    model_id: str
    """Id of the logged model."""
    run_id: str
    weights_sha256: str
    corpus: str
    signed_at: str
    """Time in UTC."""
    lineage: dict[str, Any]
    """Content of lineage.json."""


SIGNATURE_FORMAT = FileFormat("model.sig", SignedModel, [], "sign the model again")


class PackageSignature(NamedTuple):
    """A signature of a trusted key."""

    files: Mapping[str, str]
    """From the path of each file in the package to its sha256."""
    model: SignedModel
    key: PublicKey
    place: str
    """Name of the package in messages."""

    def refuse_other_version(self, registered: str) -> None:
        """Raises SignatureError unless the package was signed for that version."""
        if registered not in self.model.registered:
            signed = ", ".join(self.model.registered)
            raise SignatureError(
                f"{self.place} is signed as {signed}, not as {registered}: restore the version's "
                "files, or promote the model again with --sign-with"
            )

    def refuse_other_model(self, model_id: str) -> None:
        """Raises SignatureError unless the package is that of the logged model."""
        if model_id != self.model.model_id:
            raise SignatureError(
                f"{self.place} is the logged model {self.model.model_id}, not {model_id}, by its "
                "signature: restore the model's files"
            )

    def refuse_changed_files(self, found: Mapping[str, str]) -> None:
        """Raises SignatureError, which names the first file that was added, removed or changed.

        `found` has the files of the package as `hash_package` returns them.
        """
        for name in sorted({*self.files, *found}):
            if found.get(name) == self.files.get(name):
                continue
            if name not in found:
                reason = f"{name} is missing, which was signed: restore it"
            elif name not in self.files:
                reason = f"{_shown(name)} was added after the signing: remove it"
            else:
                reason = f"{name} was changed after the signing: restore it"
            raise SignatureError(f"{self.place}: {reason}, or promote the model again")


def hash_package(folder: Path) -> dict[str, str]:
    """Returns the sha256 of each file of a package but NOT_SIGNED, by its path in the folder.

    Raises SignatureError for a link, a device and the like, which no package has.
    """
    names = sorted(_names(folder), key=PurePosixPath)
    return {name: sha256_of(folder / name) for name in names}


def sign_package(files: Mapping[str, str], model: SignedModel, key: SigningKey) -> bytes:
    """Returns the content of model.sig for a package with those files."""
    ordered = sorted(files, key=PurePosixPath)
    digests = b"".join(bytes.fromhex(files[name]) for name in ordered)
    subject = {
        "name": model.registered[-1],
        "digest": {"sha256": hashlib.sha256(digests).hexdigest()},
    }
    predicate = {
        "serialization": {
            "method": "files",
            "hash_type": "sha256",
            "allow_symlinks": False,
            "ignore_paths": list(NOT_SIGNED),
        },
        "resources": [
            {"name": name, "algorithm": "sha256", "digest": files[name]} for name in ordered
        ],
        OWN_FIELD: SIGNATURE_FORMAT.document(model),
    }
    return sign_statement([subject], PREDICATE_TYPE, predicate, key)


def read_signature(folder: Path) -> bytes | None:
    """Returns the content of model.sig in a package's folder, or None if there is none."""
    path = folder / SIGNATURE
    return path.read_bytes() if path.is_file() and not path.is_symlink() else None


def open_signature(
    signature: bytes | None, keys: Sequence[PublicKey], place: str
) -> PackageSignature:
    """Returns what a signature of one of the keys says. `place` names the package in messages.

    Raises SignatureError if there is no signature, or if it is not of one of the keys.
    """
    if signature is None:
        raise SignatureError(
            f"{place} is unsigned, and trusted keys are set: promote the model with --sign-with"
        )
    shown = f"{SIGNATURE} of {place}"
    signed = open_statement(signature, PREDICATE_TYPE, keys, shown)
    if OWN_FIELD not in signed.predicate:
        raise SignatureError(
            f"{shown} names no registered model, because Tracelate did not make it: promote the "
            "model with --sign-with"
        )
    model = SIGNATURE_FORMAT.parse(signed.predicate[OWN_FIELD], shown)
    files = {one["name"]: one["digest"] for one in signed.predicate["resources"]}
    return PackageSignature(files, model, signed.key, place)


def _names(folder: Path) -> Iterator[str]:
    left = [""]
    while left:
        inside = left.pop()
        with os.scandir(folder / inside) as entries:
            for entry in entries:
                name = f"{inside}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    left.append(f"{name}/")
                elif not entry.is_file(follow_symlinks=False):
                    raise SignatureError(
                        f"{_shown(name)} is no regular file, which no package has: remove it"
                    )
                elif name not in NOT_SIGNED:
                    yield name


def _shown(name: str) -> str:
    """Returns a file's name for messages; it may be no text, because anyone may have added it."""
    return name.encode("utf-8", "backslashreplace").decode()
