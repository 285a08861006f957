"""Receipts: signed statements that a model has translated a text.

A receipt has hashes in place of the texts, so that it stays small for a text of any size. It names
the model by the sha256 of its weights and of its lineage.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from tracelate.errors import InputError
from tracelate.evaluation.lineage import read_lineage
from tracelate.file_format import FileForm, FileFormat
from tracelate.files import sha256_of, whole_file
from tracelate.signing.envelope import open_statement, sign_statement
from tracelate.signing.keys import PublicKey, SigningKey

PREDICATE_TYPE = "https://tracelate/receipt/v1"
HEADER = "Tracelate-Receipt"
"""Header of a server's answer: a receipt in base64url."""


Form = Literal["lines", "json"]


class TextDigest(FileForm):
    """The hash of a text."""

    form: Form
    """lines: of the lines in UTF-8, each followed by a newline. json: of a JSON array without
    white space, as `json_digest` makes it."""
    count: int
    """Number of lines, or of elements of the array."""
    sha256: str


class ReceiptModel(FileForm):
    """The model that translated."""

    title: str
    """Registered model and version, such as tracelate/3, or the reference to a folder."""
    run_id: str
    weights_sha256: str
    lineage_sha256: str
    """Of the file lineage.json."""
    corpus: str
    corpus_sha256: list[str]


class Receipt(FileForm):
    """Content of a receipt."""

    text: TextDigest
    translation: TextDigest
    model: ReceiptModel
    settings: dict[str, Any]
    """Beam size, length penalty and the like."""
    made_at: str
    """Time in UTC."""


RECEIPT_FORMAT = FileFormat("the receipt", Receipt, [], "translate again")


class OpenedReceipt(NamedTuple):
    """A receipt, and the trusted key that signed it."""

    receipt: Receipt
    key: PublicKey


class LineCounter:
    """Counts and hashes lines that pass through it."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._count = 0

    def passing(self, lines: Iterable[str]) -> Iterator[str]:
        """Yields the lines."""
        for line in lines:
            self._hash.update(f"{line}\n".encode())
            self._count += 1
            yield line

    @property
    def digest(self) -> TextDigest:
        """The hash of the lines so far."""
        return TextDigest(form="lines", count=self._count, sha256=self._hash.hexdigest())


def json_digest(values: Sequence[object]) -> TextDigest:
    """Returns the hash of sentences, or of what a server answers to them."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    sha256 = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return TextDigest(form="json", count=len(values), sha256=sha256)


def describe_model(title: str, lineage_path: Path) -> ReceiptModel:
    """Returns a model's entry in receipts. Raises InputError if its lineage is missing."""
    lineage = read_lineage(lineage_path)
    return ReceiptModel(
        title=title,
        run_id=lineage.training.run_id,
        weights_sha256=lineage.weights_sha256,
        lineage_sha256=sha256_of(lineage_path),
        corpus=lineage.corpus,
        corpus_sha256=list(lineage.provenance.hashes),
    )


def sign_receipt(
    text: TextDigest,
    translation: TextDigest,
    model: ReceiptModel,
    settings: Mapping[str, Any],
    key: SigningKey,
) -> bytes:
    """Returns a receipt of now as the JSON of a bundle."""
    receipt = Receipt(
        text=text,
        translation=translation,
        model=model,
        settings=dict(settings),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    subjects = [
        {"name": "translation", "digest": {"sha256": translation.sha256}},
        {"name": "text", "digest": {"sha256": text.sha256}},
    ]
    return sign_statement(subjects, PREDICATE_TYPE, RECEIPT_FORMAT.document(receipt), key)


def write_receipt(
    path: Path,
    text: TextDigest,
    translation: TextDigest,
    model: ReceiptModel,
    settings: Mapping[str, Any],
    key: SigningKey,
) -> None:
    """Writes a receipt of now."""
    with whole_file(path) as temporary:
        temporary.write_bytes(sign_receipt(text, translation, model, settings, key) + b"\n")


def header_value(bundle: bytes) -> str:
    """Returns a receipt as the value of HEADER."""
    return base64.urlsafe_b64encode(bundle).decode()


def open_receipt(data: bytes, keys: Sequence[PublicKey], place: str) -> OpenedReceipt:
    """Returns a receipt that one of the keys has signed, from a bundle or the value of HEADER.

    Raises InputError if it is damaged, or not of one of the keys.
    """
    signed = open_statement(_bundle(data), PREDICATE_TYPE, keys, place)
    return OpenedReceipt(RECEIPT_FORMAT.parse(dict(signed.predicate), place), signed.key)


def digest_files(form: Form, paths: Sequence[Path]) -> TextDigest:
    """Returns the hash of a text, one file after the other, in the form of a receipt.

    A JSON file is an array, or a request or an answer of the server that has one.

    Raises InputError if a file is no such file.
    """
    counter, values = LineCounter(), list[object]()
    for path in paths:
        try:
            if form == "json":
                values += _array(json.loads(path.read_bytes()), path)
            else:
                with path.open(encoding="utf-8", newline="\n") as file:
                    for _ in counter.passing(line.rstrip("\r\n") for line in file):
                        pass
        except InputError:
            raise
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{path} is no {form} text in UTF-8 ({error}): name the file that was translated"
            ) from error
    return json_digest(values) if form == "json" else counter.digest


def _array(value: object, path: Path) -> list[object]:
    if isinstance(value, dict):
        value = value.get("inputs", value.get("predictions"))
    if not isinstance(value, list):
        raise InputError(
            f"{path} has no JSON array: name the request with `inputs` or the answer with "
            "`predictions`, because the receipt is a server's"
        )
    return value


def _bundle(data: bytes) -> bytes:
    data = data.strip()
    if data.startswith(b"{"):
        return data
    try:
        return base64.b64decode(data, altchars=b"-_", validate=True)
    except binascii.Error:
        return data  # reported when it is parsed
