"""Key pairs: their files, passphrases, and what is refused as a key."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from tracelate.errors import InputError
from tracelate.signing.keys import (
    PASSPHRASE_VARIABLE,
    PRIVATE_KEY,
    PUBLIC_KEY,
    load_public_key,
    load_signing_key,
    write_key_pair,
)


def test_a_key_pair_belongs_together_and_only_its_owner_reads_the_private_key(
    tmp_path: Path,
) -> None:
    made = write_key_pair(tmp_path / "keys", None)
    assert made.private.stat().st_mode & 0o777 == 0o600
    assert made.fingerprint == hashlib.sha256(made.public.read_bytes()).hexdigest()
    assert load_signing_key(made.private).public.fingerprint == made.fingerprint
    assert load_public_key(made.public).fingerprint == made.fingerprint
    assert write_key_pair(tmp_path / "other", None).fingerprint != made.fingerprint


@pytest.mark.parametrize("name", [PRIVATE_KEY, PUBLIC_KEY])
@pytest.mark.parametrize("as_link", [False, True])
def test_no_key_is_overwritten(tmp_path: Path, name: str, as_link: bool) -> None:
    if as_link:
        (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    else:
        (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=f"{name} exists already"):
        write_key_pair(tmp_path, None)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_encrypted_key_needs_its_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PASSPHRASE_VARIABLE, raising=False)
    made = write_key_pair(tmp_path, "corn")
    assert b"ENCRYPTED" in made.private.read_bytes()
    assert load_signing_key(made.private, lambda: "corn").public.fingerprint == made.fingerprint
    with pytest.raises(InputError, match=f"has a passphrase: set {PASSPHRASE_VARIABLE}"):
        load_signing_key(made.private)
    with pytest.raises(InputError, match="the passphrase is wrong"):
        load_signing_key(made.private, lambda: "wheat")
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "corn")
    assert load_signing_key(made.private).public.fingerprint == made.fingerprint


def test_a_passphrase_in_the_environment_does_not_hinder_a_key_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "corn")
    made = write_key_pair(tmp_path, None)
    assert load_signing_key(made.private).public.fingerprint == made.fingerprint


def test_other_files_are_refused_as_keys(tmp_path: Path) -> None:
    made = write_key_pair(tmp_path / "keys", None)
    ed_key = ed25519.Ed25519PrivateKey.generate()
    p384 = ec.generate_private_key(ec.SECP384R1())
    files = {
        "text": b"hello",
        "empty": b"",
        "ed25519": _private_pem(ed_key),
        "p384": _private_pem(p384),
        "public": made.public.read_bytes(),
    }
    for name, content in files.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InputError, match=re.escape(str(path))):
            load_signing_key(path)
    with pytest.raises(InputError, match="no public key in PEM"):
        load_public_key(made.private)
    for missing in (tmp_path / "gone", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            load_signing_key(missing)
        with pytest.raises(InputError, match="cannot be read"):
            load_public_key(missing)


def test_a_key_is_not_printed(tmp_path: Path) -> None:
    made = write_key_pair(tmp_path, None)
    secret = "".join(made.private.read_text().splitlines()[1:-1])
    key = load_signing_key(made.private)
    assert secret[:20] not in f"{key!r} {key}"
    assert str(key.private.private_numbers().private_value) not in f"{key!r} {key}"


def _private_pem(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
