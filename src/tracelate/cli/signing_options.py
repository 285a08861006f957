"""Options of the commands that sign or check signatures, and the passphrase prompt."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tracelate.signing.keys import SigningKey

SignWithOption = Annotated[
    Path | None,
    typer.Option(
        "--sign-with",
        envvar="TRACELATE_SIGNING_KEY",
        help="Private key to sign with, as `tracelate keys new` makes it.",
    ),
]
TrustedKeyOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--trusted-key",
        help="Public key that must have signed the model; may be repeated. Default: "
        "registry.trusted_keys of params.yaml.",
    ),
]


def load_key(path: Path | None) -> SigningKey | None:
    """Reads a private key; a passphrase that the environment lacks is asked for in a terminal."""
    from tracelate.signing.keys import load_signing_key

    if path is None:
        return None
    is_typed = sys.stdin.isatty() and sys.stderr.isatty()
    return load_signing_key(path, (lambda: _ask(path)) if is_typed else None)


def _ask(path: Path) -> str:
    return str(typer.prompt(f"Passphrase of {path}", hide_input=True, err=True))
