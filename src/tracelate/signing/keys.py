"""Key pairs for signatures: ECDSA on the curve P-256, in PEM files.

The private key is PKCS #8, encrypted if it has a passphrase. It is neither printed nor logged.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tracelate.errors import InputError

PRIVATE_KEY = "tracelate.key"
PUBLIC_KEY = "tracelate.pub"
KEY_VARIABLE = "TRACELATE_SIGNING_KEY"
"""Environment variable with the path of the private key."""
PASSPHRASE_VARIABLE = "TRACELATE_SIGNING_PASSPHRASE"
"""Environment variable with the passphrase of the private key."""
SHOWN_FINGERPRINT = 16
"""Number of a fingerprint's characters in messages."""


class PublicKey(NamedTuple):
    """A key that signatures are checked with."""

    key: ec.EllipticCurvePublicKey
    fingerprint: str
    """sha256 of the key's PEM file, as `tracelate keys new` writes it."""


class SigningKey(NamedTuple):
    """A private key, and the public key that belongs to it."""

    private: ec.EllipticCurvePrivateKey
    public: PublicKey


class KeyFiles(NamedTuple):
    """The files of a new key pair."""

    private: Path
    public: Path
    fingerprint: str


def write_key_pair(folder: Path, passphrase: str | None) -> KeyFiles:
    """Makes a key pair and writes it to `folder`; only its owner may read the private key.

    Raises InputError if one of the files exists already.
    """
    private_path, public_path = folder / PRIVATE_KEY, folder / PUBLIC_KEY
    for path in (private_path, public_path):
        if path.exists() or path.is_symlink():
            raise InputError(
                f"{path} exists already, and keys are not overwritten: name another --out"
            )
    private = ec.generate_private_key(ec.SECP256R1())
    encryption = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    folder.mkdir(parents=True, exist_ok=True)
    _write_new(private_path, secret, 0o600)
    _write_new(public_path, _pem(private.public_key()), 0o644)
    return KeyFiles(private_path, public_path, public_key_of(private).fingerprint)


def load_signing_key(path: Path, ask: Callable[[], str] | None = None) -> SigningKey:
    """Reads a private key.

    The passphrase of an encrypted key is taken from PASSPHRASE_VARIABLE, else from `ask`.

    Raises InputError if the file is missing, is no such key, or the passphrase is wrong.
    """
    data, passphrase = _read(path), os.environ.get(PASSPHRASE_VARIABLE)
    if b"ENCRYPTED" not in data:
        passphrase = None
    elif not passphrase:
        if ask is None:
            raise InputError(
                f"{path} has a passphrase: set {PASSPHRASE_VARIABLE}, or call the command in a "
                "terminal"
            )
        passphrase = ask()
    try:
        key = serialization.load_pem_private_key(data, passphrase.encode() if passphrase else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        wrong = "the passphrase is wrong, or " if passphrase else ""
        raise InputError(
            f"{path} cannot be used to sign ({wrong}it is no private key in PEM): name the "
            f"{PRIVATE_KEY} that `tracelate keys new` made"
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not _is_p256(key.curve):
        raise InputError(f"{path} is no ECDSA key on P-256: make one with `tracelate keys new`")
    return SigningKey(key, public_key_of(key))


def load_public_key(path: Path) -> PublicKey:
    """Reads a public key. Raises InputError if the file is missing or is no such key."""
    data = _read(path)
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(
            f"{path} is no public key in PEM: name the {PUBLIC_KEY} of the signer"
        ) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not _is_p256(key.curve):
        raise InputError(f"{path} is no ECDSA key on P-256: name the {PUBLIC_KEY} of the signer")
    return PublicKey(key, _fingerprint(key))


def public_key_of(private: ec.EllipticCurvePrivateKey) -> PublicKey:
    """Returns the public key that belongs to a private key."""
    public = private.public_key()
    return PublicKey(public, _fingerprint(public))


def shorten(fingerprint: str) -> str:
    """Returns the beginning of a fingerprint, for messages."""
    return f"{fingerprint[:SHOWN_FINGERPRINT]}…"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"the key {path} cannot be read ({error.strerror}): correct its path"
        ) from error


def _write_new(path: Path, data: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def _is_p256(curve: ec.EllipticCurve) -> bool:
    return isinstance(curve, ec.SECP256R1)


def _pem(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    return hashlib.sha256(_pem(key)).hexdigest()
