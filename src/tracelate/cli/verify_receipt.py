"""Checking what a translation came from: verify-receipt."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracelate.cli.console import print_json, print_line, result_console
from tracelate.cli.options import REFERENCE_HELP, JsonOption
from tracelate.cli.signing_options import TrustedKeyOption
from tracelate.errors import InputError

if TYPE_CHECKING:
    from tracelate.lineage.checks import LineageCheck
    from tracelate.signing.receipt import OpenedReceipt, Receipt

app = typer.Typer()


@app.command(
    epilog="Example: `tracelate verify-receipt big.receipt --text big.en --translation big.es "
    "--model models:/tracelate@champion`"
)
def verify_receipt(
    receipt: Annotated[
        Path,
        typer.Argument(
            help="File with the receipt of `tracelate translate`, or with the value of the header "
            "Tracelate-Receipt of a server's answer; - is standard input."
        ),
    ],
    text: Annotated[
        list[Path] | None,
        typer.Option(
            help="File with the text that was translated; of a server, the request. May be "
            "repeated."
        ),
    ] = None,
    translation: Annotated[
        Path | None, typer.Option(help="File with the translation; of a server, the answer.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help=f"Model to compare with the receipt's. {REFERENCE_HELP}"),
    ] = None,
    trusted_key: TrustedKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that a trusted key has signed a receipt, and print what it says.

    Text, translation and model are compared with the receipt where they are given. If something
    differs, it is named, and the exit status is 1. No network is needed for local files.
    """
    from tracelate.cli.lineage_tree import print_checks
    from tracelate.lineage.checks import failed_checks
    from tracelate.signing.receipt import open_receipt
    from tracelate.signing.trust import SETTING, read_trust

    trust = read_trust(trusted_key or ())
    if not trust.is_required:
        raise InputError(
            f"there is no trusted key to check {receipt} with: name one with --trusted-key, or in "
            f"{SETTING} of params.yaml"
        )
    data = sys.stdin.buffer.read() if str(receipt) == "-" else receipt.read_bytes()
    opened = open_receipt(data, trust.keys, str(receipt))
    checks = list(_text_checks(opened.receipt, text, translation))
    if model is not None:
        from tracelate.lineage.signatures import check_receipt_model
        from tracelate.tracking.references.references import resolve

        checks += check_receipt_model(opened.receipt.model, resolve(model), trust)
    if as_json:
        print_json(
            {
                "key": opened.key.fingerprint,
                "receipt": opened.receipt.model_dump(mode="json"),
                "checks": [check._asdict() for check in checks],
            }
        )
    else:
        _print_receipt(opened)
        print_checks(result_console(), checks)
    if failed_checks(checks):
        raise typer.Exit(1)


def _text_checks(
    receipt: Receipt, text: list[Path] | None, translation: Path | None
) -> Iterator[LineageCheck]:
    from tracelate.lineage.checks import check_equal
    from tracelate.signing.receipt import RECEIPT_FORMAT, digest_files

    for name, wanted, paths in (
        ("text", receipt.text, text),
        ("translation", receipt.translation, [translation] if translation is not None else []),
    ):
        if paths:
            found = digest_files(wanted.form, paths)
            place = ", ".join(map(str, paths))
            yield check_equal(place, name, found.sha256, wanted.sha256, RECEIPT_FORMAT.name)


def _print_receipt(opened: OpenedReceipt) -> None:
    receipt, model = opened.receipt, opened.receipt.model
    settings = ", ".join(f"{name} {value}" for name, value in receipt.settings.items())
    rows = {
        "signed": f"with {opened.key.fingerprint}",
        "made": receipt.made_at,
        "text": f"{receipt.text.count:,} {receipt.text.form}, sha256 {receipt.text.sha256}",
        "translation": f"sha256 {receipt.translation.sha256}",
        "settings": settings,
        "model": f"{model.title}, run {model.run_id}",
        "weights": model.weights_sha256,
        "lineage": model.lineage_sha256,
        "corpus": ", ".join([model.corpus, *model.corpus_sha256]),
    }
    for name, value in rows.items():
        print_line(f"{name:<12} {value}")
