"""Clients of a served model, and its registration."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from mlflow import MlflowClient

from tracelate.evaluation.lineage import Lineage
from tracelate.registry.versions import register_version
from tracelate.tracking.store.store import connect

NAME = "served-en-es"
JSON = {"content-type": "application/json"}
CONNECTIONS = 64
SENTENCES = ["Always the door opens.", "", "Never.", "Today the light stops the engine.", "a\0b 😀"]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any


def ask(
    port: int, method: str, path: str, body: bytes = b"", headers: dict[str, str] = JSON
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        document = json.loads(content) if content.startswith(b"{") else content.decode()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, document)
    finally:
        connection.close()


def invoke(port: int, sentences: list[str], **params: Any) -> Answer:
    body = json.dumps({"inputs": sentences, "params": params}).encode()
    return ask(port, "POST", "/invocations", body)


def wait_until(true: Callable[[], bool]) -> None:
    for _ in range(3000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("waited in vain")


def register(client: MlflowClient, lineage: Lineage) -> str:
    """Makes the lineage's model version 1 of NAME and its champion. Its id."""
    [experiment] = client.search_experiments(filter_string="name = 'tracelate'")
    [model] = [
        one
        for one in client.search_logged_models([experiment.experiment_id])
        if one.tags["weights_sha256"] == lineage.weights_sha256
    ]
    assert model.source_run_id is not None
    version = register_version(connect(), NAME, model.model_id, model.source_run_id)
    client.set_registered_model_alias(NAME, "champion", version)
    return str(model.model_id)
