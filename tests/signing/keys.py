"""Keys for tests."""

from __future__ import annotations

from pathlib import Path

from tracelate.signing.keys import SigningKey, load_signing_key, write_key_pair


def new_key(folder: Path, passphrase: str | None = None) -> SigningKey:
    """Makes a key pair in a new folder."""
    made = write_key_pair(folder, passphrase)
    return load_signing_key(made.private, (lambda: passphrase) if passphrase else None)
