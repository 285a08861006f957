"""Receipts: which text a model has translated into what, signed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.signing.keys import new_key
from tracelate.errors import InputError
from tracelate.evaluation.lineage import read_lineage
from tracelate.files import sha256_of
from tracelate.layout import LINEAGE
from tracelate.signing.envelope import SignatureError
from tracelate.signing.keys import SigningKey
from tracelate.signing.package_signature import open_signature
from tracelate.signing.receipt import (
    LineCounter,
    ReceiptModel,
    describe_model,
    digest_files,
    header_value,
    json_digest,
    open_receipt,
    sign_receipt,
)

MODEL = ReceiptModel(
    title="en-es/3",
    run_id="run",
    weights_sha256="1" * 64,
    lineage_sha256="2" * 64,
    corpus="catalogs 1.0",
    corpus_sha256=["3" * 64],
)
SETTINGS = {"beam_size": 5, "length_penalty": 1.0}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return new_key(tmp_path_factory.mktemp("keys"))


def test_a_receipt_says_what_it_was_given_also_as_a_header(key: SigningKey) -> None:
    text, translation = json_digest(["Hello."]), json_digest(["Hola."])
    bundle = sign_receipt(text, translation, MODEL, SETTINGS, key)
    header = header_value(bundle)
    assert header.isascii() and "\n" not in header and len(header) < 4_000
    for data in (bundle, header.encode(), f" {header}\n".encode()):
        opened = open_receipt(data, [key.public], "it")
        assert (opened.receipt.text, opened.receipt.translation) == (text, translation)
        assert (opened.receipt.model, opened.receipt.settings) == (MODEL, SETTINGS)
        assert opened.key.fingerprint == key.public.fingerprint


def test_a_receipt_of_a_foreign_key_and_a_changed_one_are_refused(
    key: SigningKey, tmp_path: Path
) -> None:
    text, translation = json_digest(["Hello."]), json_digest(["Hola."])
    foreign = sign_receipt(text, translation, MODEL, SETTINGS, new_key(tmp_path))
    with pytest.raises(SignatureError, match="not trusted"):
        open_receipt(foreign, [key.public], "it")
    header = bytearray(header_value(sign_receipt(text, translation, MODEL, SETTINGS, key)).encode())
    header[len(header) // 2] ^= 1
    with pytest.raises(SignatureError):
        open_receipt(bytes(header), [key.public], "it")


def test_a_receipt_does_not_pass_for_the_signature_of_a_model(key: SigningKey) -> None:
    bundle = sign_receipt(json_digest([]), json_digest([]), MODEL, SETTINGS, key)
    with pytest.raises(SignatureError, match="states something else"):
        open_signature(bundle, [key.public], "a package")


def test_lines_have_the_sha256_of_their_file_whatever_the_line_ends(tmp_path: Path) -> None:
    unix, dos, cut = (tmp_path / name for name in ("unix", "dos", "cut"))
    unix.write_bytes("uno\n\ntres\u2028ñ\n".encode())
    dos.write_bytes("uno\r\n\r\ntres\u2028ñ\r\n".encode())
    cut.write_bytes("uno\n\ntres\u2028ñ".encode())
    counter = LineCounter()
    assert list(counter.passing(["uno", "", "tres\u2028ñ"])) == ["uno", "", "tres\u2028ñ"]
    assert counter.digest.count == 3
    assert counter.digest.sha256 == sha256_of(unix)
    for path in (unix, dos, cut):
        assert digest_files("lines", [path]) == counter.digest
    assert digest_files("lines", [unix, cut]).count == 6


def test_json_hashes_tell_sentences_apart_and_read_requests_and_answers(tmp_path: Path) -> None:
    one = json_digest(["a\nb"])
    assert one != json_digest(["a", "b"]) and one.count == 1
    assert one.sha256 == hashlib.sha256(b'["a\\nb"]').hexdigest()
    assert json_digest([{"b": 1, "a": 2}]) == json_digest([{"a": 2, "b": 1}])
    path = tmp_path / "body.json"
    for body in (["a\nb"], {"inputs": ["a\nb"], "params": {}}, {"predictions": ["a\nb"]}):
        path.write_text(json.dumps(body, indent=2))
        assert digest_files("json", [path]) == one


@pytest.mark.parametrize("content", [b"{}", b'"text"', b"[", b"\xff", b"[" * 100_000])
def test_a_file_without_an_array_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "body.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"body\.json (has no JSON array|is no json text)"):
        digest_files("json", [path])
    path.write_bytes(b"\xff\n")
    with pytest.raises(InputError, match="is no lines text in UTF-8"):
        digest_files("lines", [path])


def test_a_model_is_described_down_to_its_corpus(finished_project: Path) -> None:
    described = describe_model("en-es/3", finished_project / LINEAGE)
    lineage = read_lineage(finished_project / LINEAGE)
    assert described.lineage_sha256 == sha256_of(finished_project / LINEAGE)
    assert described.weights_sha256 == sha256_of(finished_project / "models/weights.safetensors")
    assert described.corpus == lineage.corpus
    assert described.corpus_sha256 == list(lineage.provenance.hashes)
