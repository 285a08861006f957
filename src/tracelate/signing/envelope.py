"""Signed in-toto statements: DSSE envelopes in sigstore bundles, signed with a key.

in-toto: https://github.com/in-toto/attestation/tree/main/spec/v1
DSSE: https://github.com/secure-systems-lab/dsse
bundle: https://docs.sigstore.dev/about/bundle/
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import Base64Bytes, BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from tracelate.errors import InputError
from tracelate.signing.keys import PublicKey, SigningKey, shorten

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
ALGORITHM = ec.ECDSA(hashes.SHA256())


class SignatureError(InputError):
    """A signature that is missing, wrong, or of a key that is not trusted."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel)


class _Signature(_Part):
    sig: Base64Bytes


class _Envelope(_Part):
    payload: Base64Bytes
    payload_type: str
    signatures: list[_Signature]


class _Identifier(_Part):
    hint: str = ""


class _Material(_Part):
    public_key: _Identifier


class _Bundle(_Part):
    media_type: str
    verification_material: _Material
    dsse_envelope: _Envelope


class SignedStatement(NamedTuple):
    """A statement whose signature is that of a trusted key."""

    subjects: Sequence[Mapping[str, Any]]
    predicate: Mapping[str, Any]
    key: PublicKey


def sign_statement(
    subjects: Sequence[Mapping[str, Any]],
    predicate_type: str,
    predicate: Mapping[str, Any],
    key: SigningKey,
) -> bytes:
    """Returns the JSON of a bundle with the signed statement."""
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": predicate_type,
        "predicate": predicate,
    }
    payload = _compact(statement)
    signature = key.private.sign(_signed_bytes(PAYLOAD_TYPE, payload), ALGORITHM)
    return _bundle(payload, signature, key.public.fingerprint)


def _bundle(payload: bytes, signature: bytes, fingerprint: str) -> bytes:
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": fingerprint}],
    }
    return _compact(
        {
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": {"publicKey": {"hint": fingerprint}, "tlogEntries": []},
            "dsseEnvelope": envelope,
        }
    )


def open_statement(
    bundle: bytes, predicate_type: str, keys: Sequence[PublicKey], place: str
) -> SignedStatement:
    """Returns the statement of a bundle that one of the keys has signed.

    Nothing of the statement is read before its signature is checked, and nothing but the statement
    is read: a bundle with other fields than those of `sign_statement`, or written otherwise, is
    refused, also where its signature is good. `place` names the bundle in messages.

    Raises SignatureError if the bundle is damaged, if no key has signed it, or if the statement has
    another type.
    """
    parsed = _parse(bundle, place)
    key = _signer(parsed, keys, place)
    envelope = parsed.dsse_envelope
    written = (_bundle(envelope.payload, one.sig, key.fingerprint) for one in envelope.signatures)
    if bundle not in written:
        raise SignatureError(
            f"{place} has a signature of {shorten(key.fingerprint)}, but is not written as "
            "Tracelate writes it: it was changed, or another tool made it; restore it or sign again"
        )
    statement = json.loads(parsed.dsse_envelope.payload)
    found = (statement.get("_type"), statement.get("predicateType"))
    if found != (STATEMENT_TYPE, predicate_type):
        raise SignatureError(
            f"{place} is signed, but states something else: its type is {found[1]}, not "
            f"{predicate_type}"
        )
    return SignedStatement(statement["subject"], statement["predicate"], key)


def _signer(bundle: _Bundle, keys: Sequence[PublicKey], place: str) -> PublicKey:
    """Returns the key that has signed the bundle."""
    envelope = bundle.dsse_envelope
    if envelope.payload_type != PAYLOAD_TYPE:
        raise SignatureError(f"{place} has no in-toto statement, but {envelope.payload_type!r}")
    message = _signed_bytes(PAYLOAD_TYPE, envelope.payload)
    for key in keys:
        if any(_is_signed(key, one.sig, message) for one in envelope.signatures):
            return key
    hint = bundle.verification_material.public_key.hint
    if hint in {key.fingerprint for key in keys}:
        raise SignatureError(f"{place} was changed after it was signed with {shorten(hint)}")
    named = f"key {shorten(hint)}" if hint else "an unknown key"
    trusted = ", ".join(shorten(key.fingerprint) for key in keys)
    raise SignatureError(
        f"{place} is signed with {named}, which is not trusted; trusted: {trusted}"
    )


def _is_signed(key: PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.key.verify(signature, message, ALGORITHM)
    except InvalidSignature:
        return False
    return True


def _parse(bundle: bytes, place: str) -> _Bundle:
    try:
        parsed = _Bundle.model_validate_json(bundle)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SignatureError(f"{place} is no signature ({where}: {first['msg']})") from error
    if parsed.media_type != BUNDLE_TYPE:
        raise SignatureError(f"{place} is no signature of a known type: {parsed.media_type!r}")
    return parsed


def _signed_bytes(payload_type: str, payload: bytes) -> bytes:
    """Returns what DSSE signs: the pre-authentication encoding of type and payload."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _compact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
