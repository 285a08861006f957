"""Signed statements: only what a trusted key has signed is read."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.signing.keys import new_key
from tracelate.signing.envelope import (
    PAYLOAD_TYPE,
    STATEMENT_TYPE,
    SignatureError,
    open_statement,
    sign_statement,
)
from tracelate.signing.keys import SigningKey

SUBJECTS = [{"name": "one", "digest": {"sha256": "ab" * 32}}]
KIND = "https://example.org/kind/v1"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return new_key(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def bundle(key: SigningKey) -> bytes:
    return sign_statement(SUBJECTS, KIND, {"text": "señal"}, key)


def changed(bundle: bytes, **fields: Any) -> bytes:
    """The bundle with other fields of its envelope."""
    document = json.loads(bundle)
    document["dsseEnvelope"] |= fields
    return json.dumps(document).encode()


def encoded(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def test_a_statement_is_read_with_the_key_that_signed_it(
    bundle: bytes, key: SigningKey, tmp_path: Path
) -> None:
    other = new_key(tmp_path)
    signed = open_statement(bundle, KIND, [other.public, key.public], "it")
    assert signed.subjects == SUBJECTS
    assert signed.predicate == {"text": "señal"}
    assert signed.key.fingerprint == key.public.fingerprint
    with pytest.raises(SignatureError, match=r"is signed with key .*, which is not trusted"):
        open_statement(bundle, KIND, [other.public], "it")
    with pytest.raises(SignatureError, match="not trusted"):
        open_statement(bundle, KIND, [], "it")


def test_what_is_signed_is_the_encoding_of_dsse(bundle: bytes, key: SigningKey) -> None:
    envelope = json.loads(bundle)["dsseEnvelope"]
    payload = base64.b64decode(envelope["payload"])
    assert json.loads(payload)["_type"] == STATEMENT_TYPE
    message = b"DSSEv1 28 application/vnd.in-toto+json %d " % len(payload) + payload
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    key.public.key.verify(signature, message, ec.ECDSA(hashes.SHA256()))


def test_no_byte_of_the_statement_or_its_signature_can_change(
    bundle: bytes, key: SigningKey
) -> None:
    envelope = json.loads(bundle)["dsseEnvelope"]
    payload = base64.b64decode(envelope["payload"])
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    for place in range(len(payload)):
        forged = bytearray(payload)
        forged[place] ^= 1
        with pytest.raises(SignatureError, match="was changed after it was signed"):
            text = base64.b64encode(forged).decode()
            open_statement(changed(bundle, payload=text), KIND, [key.public], "it")
    for place in range(len(signature)):
        forged = bytearray(signature)
        forged[place] ^= 1
        with pytest.raises(SignatureError, match="was changed after it was signed"):
            text = base64.b64encode(forged).decode()
            open_statement(changed(bundle, signatures=[{"sig": text}]), KIND, [key.public], "it")


def test_a_signature_does_not_pass_for_one_of_another_statement(
    bundle: bytes, key: SigningKey
) -> None:
    other = json.loads(sign_statement(SUBJECTS, KIND, {"text": "no"}, key))["dsseEnvelope"]
    with pytest.raises(SignatureError, match="was changed"):
        open_statement(changed(bundle, signatures=other["signatures"]), KIND, [key.public], "it")
    with pytest.raises(SignatureError, match="states something else: its type is"):
        open_statement(bundle, "https://example.org/other/v1", [key.public], "it")
    with pytest.raises(SignatureError, match="no in-toto statement, but 'text/plain'"):
        open_statement(changed(bundle, payloadType="text/plain"), KIND, [key.public], "it")


def test_no_byte_of_a_bundle_can_change(bundle: bytes, key: SigningKey) -> None:
    for place in range(len(bundle)):
        for bit in range(8):
            forged = bytearray(bundle)
            forged[place] ^= 1 << bit
            with pytest.raises(SignatureError):
                open_statement(bytes(forged), KIND, [key.public], "it")


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda bundle: changed(bundle),
        lambda bundle: bundle + b"\n",
        lambda bundle: bundle.replace(b'"tlogEntries":[]', b'"tlogEntries":[],"other":1'),
        lambda bundle: bundle.replace(b'"hint":"', b'"hint":"x'),
        lambda bundle: changed(
            bundle, signatures=json.loads(bundle)["dsseEnvelope"]["signatures"] * 2
        ),
    ],
)
def test_a_bundle_that_is_written_otherwise_is_refused_though_its_signature_is_good(
    bundle: bytes, key: SigningKey, rewrite: Any
) -> None:
    with pytest.raises(SignatureError, match=r"it has a signature of .*, but is not written as"):
        open_statement(rewrite(bundle), KIND, [key.public], "it")


@pytest.mark.parametrize(
    "forge",
    [
        lambda bundle: b"",
        lambda bundle: b"[]",
        lambda bundle: b"\xff",
        lambda bundle: bundle[:-10],
        lambda bundle: bundle.replace(b"bundle.v0.3", b"bundle.v9.9"),
        lambda bundle: changed(bundle, signatures=[]),
        lambda bundle: changed(bundle, signatures=[{"sig": "%%%"}]),
        lambda bundle: changed(bundle, signatures=[{"sig": ""}]),
        lambda bundle: changed(bundle, payload=None),
        lambda bundle: changed(bundle, payload=encoded({"predicateType": KIND})),
    ],
)
def test_a_damaged_bundle_is_refused_in_one_line(
    bundle: bytes, key: SigningKey, forge: Any
) -> None:
    with pytest.raises(SignatureError) as caught:
        open_statement(forge(bundle), KIND, [key.public], "it")
    assert str(caught.value).startswith("it ") and "\n" not in str(caught.value)


def test_the_hint_of_a_trusted_key_does_not_make_a_signature(
    bundle: bytes, key: SigningKey, tmp_path: Path
) -> None:
    forged = json.loads(sign_statement(SUBJECTS, KIND, {"text": "forged"}, new_key(tmp_path)))
    forged["verificationMaterial"] = json.loads(bundle)["verificationMaterial"]
    forged["dsseEnvelope"]["signatures"][0]["keyid"] = key.public.fingerprint
    with pytest.raises(SignatureError, match="was changed after it was signed"):
        open_statement(json.dumps(forged).encode(), KIND, [key.public], "it")
    assert forged["dsseEnvelope"]["payloadType"] == PAYLOAD_TYPE
