"""Receipts of a server: a header of each answer, signed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tracelate.serving.limits import TranslationRequest
from tracelate.signing.keys import SigningKey
from tracelate.signing.receipt import (
    HEADER,
    ReceiptModel,
    header_value,
    json_digest,
    sign_receipt,
)


class Receipts(NamedTuple):
    """The served model as its receipts name it, and the key that signs them."""

    model: ReceiptModel
    key: SigningKey

    def headers(self, request: TranslationRequest, answers: Sequence[Any]) -> dict[str, str]:
        """Returns the header with the receipt for the answers to a request."""
        bundle = sign_receipt(
            json_digest(request.sentences),
            json_digest(answers),
            self.model,
            request.settings.model_dump(),
            self.key,
        )
        return {HEADER: header_value(bundle)}
