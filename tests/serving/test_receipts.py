"""The header with a receipt of each answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from tests.signing.keys import new_key
from tracelate.serving.invocations import Invocations
from tracelate.serving.limits import Limits, TranslationRequests
from tracelate.serving.servable import ServableModel, load_servable
from tracelate.signing.keys import SigningKey
from tracelate.signing.receipt import HEADER, digest_files, open_receipt
from tracelate.signing.trust import NO_TRUST
from tracelate.tracking.references.references import resolve


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return new_key(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def model(finished_project: Path, key: SigningKey) -> Iterator[ServableModel]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(finished_project)
        yield load_servable(resolve("."), NO_TRUST, key)


async def answer_to(model: ServableModel, body: bytes) -> tuple[dict[str, str], bytes]:
    """Headers and body of the answer to a request."""

    def translate(request: Any, _: str) -> Future[list[Any]]:
        done = Future[list[Any]]()
        done.set_result(model.loaded.translate(request.sentences, request.settings))
        return done

    requests = TranslationRequests(Limits(), model.loaded.defaults)
    invocations = Invocations(translate, requests, lambda: True, model.receipts)
    parts = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Any] = []

    async def receive() -> Any:
        return parts.pop(0) if parts else await never_left()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/invocations",
        "headers": [(b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
    }
    await invocations(scope, receive, send)
    headers = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return headers, b"".join(one.get("body", b"") for one in sent[1:])


async def never_left() -> Any:
    await asyncio.Event().wait()


@pytest.mark.parametrize("params", [{}, {"n_best": 2, "with_scores": True, "with_alignment": True}])
def test_the_receipt_of_an_answer_is_that_of_its_request_and_model(
    model: ServableModel, key: SigningKey, tmp_path: Path, params: dict[str, Any]
) -> None:
    request, answer = tmp_path / "request.json", tmp_path / "answer.json"
    sentences = ["Always the door opens.", "ñ\n"]
    request.write_text(json.dumps({"inputs": sentences, "params": params}))
    headers, body = asyncio.run(answer_to(model, request.read_bytes()))
    answer.write_bytes(body)
    opened = open_receipt(headers[HEADER.lower()].encode(), [key.public], "it")
    receipt = opened.receipt
    assert receipt.text == digest_files("json", [request])
    assert receipt.translation == digest_files("json", [answer])
    assert receipt.model.weights_sha256 == model.lineage.weights_sha256
    assert params.items() <= receipt.settings.items()
    answer.write_bytes(body.replace(b"[", b'["", ', 1))
    assert receipt.translation != digest_files("json", [answer])


def test_without_a_key_there_is_no_receipt(model: ServableModel) -> None:
    body = b'{"inputs": ["Never."]}'
    headers, _ = asyncio.run(answer_to(model._replace(receipts=None), body))
    assert HEADER.lower() not in headers
    headers, _ = asyncio.run(answer_to(model, b'{"inputs": 1}'))
    assert HEADER.lower() not in headers
