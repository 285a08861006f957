"""Keys for signatures: keys."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from tracelate.cli.console import print_json, print_line
from tracelate.cli.options import JsonOption
from tracelate.errors import InputError

app = typer.Typer()
keys = typer.Typer(no_args_is_help=True, help="Make keys that sign models and receipts.")
app.add_typer(keys, name="keys")


@keys.command(epilog="Example: `tracelate keys new`, then `git add keys/tracelate.pub`")
def new(
    out: Annotated[Path, typer.Option(help="Folder for the two files.")] = Path("keys"),
    passphrase: Annotated[
        bool,
        typer.Option(
            "--passphrase",
            help="Ask for a passphrase that encrypts the private key. It can also be given in "
            "TRACELATE_SIGNING_PASSPHRASE.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a key pair: a private key to sign with, and a public key to check signatures with.

    Keep tracelate.key to yourself: it is all that signing needs. Commit tracelate.pub. No file is
    overwritten. In a git repository, the private key must be ignored by git.
    """
    from tracelate.git import is_ignored
    from tracelate.signing.keys import PASSPHRASE_VARIABLE, PRIVATE_KEY, write_key_pair

    if is_ignored(out / PRIVATE_KEY) is False:
        raise InputError(
            f"git does not ignore {out / PRIVATE_KEY}, so that it could be committed: add the line "
            "*.key to .gitignore, or name another folder with --out"
        )
    secret = os.environ.get(PASSPHRASE_VARIABLE)
    if passphrase and not secret:
        secret = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    made = write_key_pair(out, secret)
    if as_json:
        print_json({name: str(value) for name, value in made._asdict().items()})
        return
    print_line(f"private key  {made.private}  (keep it to yourself)")
    print_line(f"public key   {made.public}  (commit it)")
    typer.echo(f"fingerprint  {made.fingerprint}")
    typer.echo("\nTo refuse models without its signature, set in params.yaml:\n")
    typer.echo("registry:")
    print_line(f"  trusted_keys: [{made.public}]")
