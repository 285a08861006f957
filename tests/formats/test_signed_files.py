"""Signatures and receipts of every released form are read, checked and refused when changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tracelate.errors import InputError
from tracelate.evaluation.lineage import parse_lineage
from tracelate.signing.keys import load_public_key
from tracelate.signing.package_signature import SIGNATURE_FORMAT, open_signature, read_signature
from tracelate.signing.receipt import RECEIPT_FORMAT, digest_files, open_receipt

FOLDER = Path(__file__).with_name("signed")
KEY = load_public_key(FOLDER / "tracelate.pub")


def test_a_kept_signature_is_read_with_its_files_versions_and_lineage() -> None:
    signature = open_signature(read_signature(FOLDER), [KEY], "it")
    assert signature.model.registered == ["tiny/1", "tiny/2"]
    assert signature.model.signed_at == "2026-11-26T20:00:00+00:00"
    assert {"MLmodel", "artifacts/weights.safetensors"} < signature.files.keys()
    signature.refuse_other_version("tiny/2")
    signature.refuse_changed_files(signature.files)
    lineage = parse_lineage(signature.model.lineage, "it")
    assert lineage.weights_sha256 == signature.model.weights_sha256
    assert lineage.weights_sha256 == signature.files["artifacts/weights.safetensors"]
    with pytest.raises(InputError, match=r"MLmodel is missing"):
        signature.refuse_changed_files({})


@pytest.mark.parametrize(
    ("receipt", "form", "text", "translation"),
    [
        ("receipt.json", "lines", "text.txt", "translation.txt"),
        ("receipt.header", "json", "request.json", "answer.json"),
    ],
)
def test_a_kept_receipt_is_of_its_text_and_translation(
    receipt: str, form: str, text: str, translation: str
) -> None:
    found = open_receipt((FOLDER / receipt).read_bytes(), [KEY], "it").receipt
    assert found.model.title == "tiny/2"
    assert found.text.form == found.translation.form == form
    assert found.text == digest_files(found.text.form, [FOLDER / text])
    assert found.translation == digest_files(found.text.form, [FOLDER / translation])


@pytest.mark.parametrize("name", ["model.sig", "receipt.json", "receipt.header"])
def test_a_kept_file_is_refused_when_a_bit_of_it_changes(name: str) -> None:
    content = (FOLDER / name).read_bytes().rstrip()
    for place in range(0, len(content), 37):
        forged = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        with pytest.raises(InputError):
            if name == "model.sig":
                open_signature(forged, [KEY], "it")
            else:
                open_receipt(forged, [KEY], "it")


def test_the_forms_of_signatures_and_receipts_have_a_version() -> None:
    signature = json.dumps(open_signature(read_signature(FOLDER), [KEY], "it").model.model_dump())
    for form, document in (
        (SIGNATURE_FORMAT, json.loads(signature)),
        (
            RECEIPT_FORMAT,
            open_receipt((FOLDER / "receipt.json").read_bytes(), [KEY], "it").receipt.model_dump(),
        ),
    ):
        newer = {**document, "format_version": form.version + 1, "tracelate_version": "9.9.0"}
        with pytest.raises(InputError, match=r"was made by Tracelate 9\.9\.0 .*: update Tracelate"):
            form.parse(newer, "it")
