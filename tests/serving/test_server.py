"""A registered tiny model, served on this machine to well-meaning and hostile clients."""

from __future__ import annotations

import http.client
import itertools
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.serving.http_clients import (
    CONNECTIONS,
    NAME,
    SENTENCES,
    ask,
    invoke,
    register,
    wait_until,
)
from tests.tracking.stored_runs import mlflow_client
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage, lineage_document
from tracelate.inference import batch_search
from tracelate.model.search import Hypothesis, SpecialIds, beam_search
from tracelate.model.seq2seq import Seq2Seq
from tracelate.serving import server
from tracelate.serving.app import Service
from tracelate.serving.limits import Limits
from tracelate.serving.servable import load_servable
from tracelate.serving.server import serve
from tracelate.text.placeholders import placeholders
from tracelate.tracking.references.packed_models import packed_model
from tracelate.tracking.references.references import resolve
from tracelate.tracking.references.trained_models import load_trained
from tracelate.tracking.runs.run_writer import RunWriter
from tracelate.tracking.runs.sync import sync_project


def test_many_clients_at_once_get_what_each_sentence_is_alone(
    port: int, alone: dict[int, dict[str, str]]
) -> None:
    asked = [(SENTENCES[start:] + SENTENCES[:start], 1 + start % 2) for start in range(5)] * 3
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda one: invoke(port, one[0], beam_size=one[1]), asked))
    for (sentences, beam_size), answer in zip(asked, answers, strict=True):
        assert answer.status == 200
        assert answer.body == {"predictions": [alone[beam_size][one] for one in sentences]}


def test_an_answer_has_each_placeholder_as_often_and_its_words_show_them(port: int) -> None:
    sentence = "Open <b>{room}</b> and {room} at https://example.org/a?b=%s"
    [plain] = invoke(port, [sentence]).body["predictions"]
    [shown] = invoke(port, [sentence], with_alignment=True).body["predictions"]
    for text in (plain, " ".join(one["target"] for one in shown["alignment"])):
        for placeholder, times in placeholders(sentence).items():
            assert text.count(placeholder) == times
    assert {one["source"] for one in shown["alignment"]} <= {*sentence.split(), "</s>"}


def test_scores_are_returned_on_request_and_an_empty_list_is_answered_with_one(port: int) -> None:
    [first, _] = invoke(port, SENTENCES[:2], with_scores=True, n_best=2).body["predictions"]
    assert set(first) == {"translation", "score", "n_best"}
    assert invoke(port, []).body == {"predictions": []}


def test_every_answer_names_the_model(port: int, lineage: Lineage) -> None:
    for method, path in (("GET", "/ping"), ("GET", "/nowhere"), ("POST", "/invocations")):
        headers = ask(port, method, path).headers
        assert headers["tracelate-model"] == f"{NAME}/1"
        assert headers["tracelate-weights-sha256"] == lineage.weights_sha256


def test_the_longest_idle_connection_is_closed_for_a_new_one(port: int) -> None:
    with ExitStack() as connections:
        idle = [
            connections.enter_context(socket.create_connection(("127.0.0.1", port), timeout=0.2))
            for _ in range(CONNECTIONS)
        ]
        assert ask(port, "GET", "/ping").status == 200
        assert is_closed_by_server(idle[0])
        assert not is_closed_by_server(idle[-1])


def test_who_opens_many_connections_closes_none_of_another_client(port: int) -> None:
    address = ("127.0.0.1", port)
    with ExitStack() as connections:

        def connect(host: str) -> socket.socket:
            client = socket.create_connection(address, timeout=0.2, source_address=(host, 0))
            return connections.enter_context(client)

        other = connect("127.0.0.2")
        many = [connect("127.0.0.1") for _ in range(CONNECTIONS)]
        assert ask(port, "GET", "/ping").status == 200
        assert not is_closed_by_server(other)
        assert is_closed_by_server(many[0]) and not is_closed_by_server(many[-1])


def is_closed_by_server(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def time_until_closed(port: int, *sent: bytes) -> float:
    """Seconds; each part is sent 0.3 s after the one before, the last again and again."""
    began_s = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=0.3) as client:
        for part in itertools.chain(sent, itertools.repeat(sent[-1])):
            try:
                client.sendall(part)
                if not client.recv(1000):
                    break
            except TimeoutError:
                assert time.monotonic() < began_s + 30
            except ConnectionError:
                break
    return time.monotonic() - began_s


@pytest.mark.parametrize(
    "sent",
    [
        [b""],
        [b"POST /invocations HTTP/1.1\r\n", b"x: y\r\n"],
        [b"GET /ping HTTP/1.1\r\nhost: localhost\r\n\r\n", b"G"],
        [b"POST /nowhere HTTP/1.1\r\nhost: localhost\r\ncontent-length: 999\r\n\r\n", b"x"],
    ],
    ids=["nothing", "slow headers", "no second head", "a body for nobody"],
)
def test_a_connection_on_which_no_request_comes_is_closed(port: int, sent: list[bytes]) -> None:
    assert time_until_closed(port, *sent) > 0.9


def test_a_client_that_sends_requests_and_reads_nothing_is_closed(port: int) -> None:
    requests = b"GET /model HTTP/1.1\r\nhost: localhost\r\n\r\n" * 1000
    began_s = time.monotonic()
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as client,
        pytest.raises(ConnectionError),
    ):
        while True:
            client.sendall(requests)
    assert 0.9 < time.monotonic() - began_s < 20
    assert ask(port, "GET", "/ping").status == 200


def test_an_answer_that_is_read_slowly_is_read_whole(port: int) -> None:
    expected = ask(port, "GET", "/model").body
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(b"GET /model HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        received = b""
        for _ in range(15):
            time.sleep(0.1)
            received += client.recv(20)
        while chunk := client.recv(10_000):
            received += chunk
    assert json.loads(received.partition(b"\r\n\r\n")[2]) == expected


def test_a_connection_that_is_used_stays_open(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(6):
        time.sleep(0.3)
        connection.request("GET", "/ping")
        assert connection.getresponse().read() == b"\n"
    kept = connection.sock
    connection.request("GET", "/ping")
    assert connection.getresponse().read() == b"\n"
    assert connection.sock is kept is not None
    connection.close()


def test_the_server_says_where_its_model_comes_from(port: int, lineage: Lineage) -> None:
    document = ask(port, "GET", "/model").body
    assert document.pop("lineage") == lineage_document(lineage)
    assert document.pop("model_id").startswith("m-")
    assert document == {
        "name": NAME,
        "version": "1",
        "run_id": lineage.training.run_id,
        "weights_sha256": lineage.weights_sha256,
    }
    assert [ask(port, "GET", path).status for path in ("/ping", "/health", "/version")] == [200] * 3


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/invocations", 405),
        ("POST", "/model", 405),
        ("DELETE", "/ping", 405),
        ("POST", "/version", 405),
        ("GET", "/", 404),
        ("GET", "/docs", 404),
        ("GET", "/openapi.json", 404),
        ("POST", "/invocations/x", 404),
    ],
)
def test_an_unknown_path_or_method_is_refused_as_json(
    port: int, method: str, path: str, status: int
) -> None:
    answer = ask(port, method, path)
    assert answer.status == status
    assert set(answer.body) == {"error_code", "message"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda some: st.lists(some) | st.dictionaries(st.text(), some),
    max_leaves=8,
)
keys = st.sampled_from(["inputs", "instances", "params", "dataframe_split", "beam_size", "n_best"])
documents = st.dictionaries(keys | st.text(max_size=3), json_values, max_size=3).map(
    lambda document: json.dumps(document).encode()
)
wishes = st.fixed_dictionaries(
    {},
    optional={
        "beam_size": st.integers(-1, 20) | json_values,
        "n_best": st.integers(-1, 20) | json_values,
        "length_penalty": st.floats() | st.sampled_from([1000, 10, -1]) | json_values,
        "with_scores": st.booleans() | json_values,
        "with_alignment": st.booleans() | json_values,
    },
)
requests = st.tuples(st.lists(st.text(max_size=9), max_size=3), wishes).map(
    lambda one: json.dumps({"inputs": one[0], "params": one[1]}).encode()
)
truncated = st.tuples(documents, st.integers(0, 50)).map(lambda one: one[0][: one[1]])


@given(
    body=st.binary()
    | documents
    | requests
    | truncated
    | st.integers(1, 9999).map(lambda n: b'{"a":' * n),
    content_type=st.sampled_from(["application/json"] * 5 + ["text/csv", "", "application/json;"]),
)
@settings(max_examples=300)
def test_no_request_is_answered_with_a_fault(port: int, body: bytes, content_type: str) -> None:
    answer = ask(port, "POST", "/invocations", body, {"content-type": content_type})
    assert answer.status == 200 or 400 <= answer.status < 500
    assert "Traceback" not in str(answer.body)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-length: -5\r\n\r\n",
        b"POST /invocations HTTP/1.1\r\nhost: localhost\r\n" + b"x: y\r\n" * 20_000 + b"\r\n",
        b"POST /invocations HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n"
        b"content-type: application/json\r\n\r\nzz\r\n",
        b"POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        b"content-length: 99\r\n\r\n{",
    ],
)
def test_broken_http_is_refused_and_harms_nobody(
    port: int, sent: bytes, alone: dict[int, dict[str, str]]
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(sent)
        answer = client.recv(100)
    assert answer.startswith(b"HTTP/1.1 4")
    assert invoke(port, SENTENCES[:1]).body == {"predictions": [alone[2][SENTENCES[0]]]}


def test_a_client_that_goes_away_harms_nobody(port: int, alone: dict[int, dict[str, str]]) -> None:
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            client.sendall(
                b"POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{"
            )
    assert invoke(port, SENTENCES[:1]).body == {"predictions": [alone[2][SENTENCES[0]]]}


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when a search with 3 beams has begun, which has no end."""
    event = threading.Event()

    def endless_with_3_beams(
        model: Seq2Seq, source_BS: Tensor, mask_BS: Tensor, special: SpecialIds, **how: Any
    ) -> list[list[Hypothesis]]:
        if how["beam_size"] != 3:
            return beam_search(model, source_BS, mask_BS, special, **how)
        memory, state = model.encode(source_BS, mask_BS)
        event.set()
        while True:
            model.step(source_BS[:, 0], state, memory)

    monkeypatch.setattr(batch_search, "beam_search", endless_with_3_beams)
    return event


ENDLESS = json.dumps({"inputs": SENTENCES[:1], "params": {"beam_size": 3}}).encode()
ENDLESS_REQUEST = (
    "POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    f"content-length: {len(ENDLESS)}\r\n\r\n"
).encode() + ENDLESS


def test_an_interrupted_search_finds_the_same_translation(packed: Path) -> None:
    model = load_servable(resolve(str(packed)))
    options = model.loaded.options({"n_best": 3, "with_scores": True, "with_alignment": True})
    long, short = ["Always the door opens. " * 40], SENTENCES[:3]
    expected = [model.loaded.translate(one, options) for one in (long, short)]
    batcher = Service(model, Limits()).batcher
    batcher._turn_s = 0
    ended: list[str] = []
    interrupted = batcher.submit(long, options, "one")
    interrupted.add_done_callback(lambda _: ended.append("one"))
    wait_until(lambda: bool(batcher._running))
    for _ in range(5):
        answers = batcher.submit(short, options, "other")
        answers.add_done_callback(lambda _: ended.append("other"))
        assert answers.result(60) == expected[1]
    assert interrupted.result(60) == expected[0]
    assert ended[:5] == ["other"] * 5
    batcher.close(timeout_s=10)


def test_a_search_ends_when_its_client_goes_away(
    port: int, alone: dict[int, dict[str, str]], begun: threading.Event
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(ENDLESS_REQUEST)
        assert begun.wait(30)
    assert invoke(port, SENTENCES[:1]).body == {"predictions": [alone[2][SENTENCES[0]]]}


def test_a_connection_is_refused_if_all_others_wait_for_translations(
    port: int, begun: threading.Event
) -> None:
    with ExitStack() as connections:
        waiting = [
            connections.enter_context(socket.create_connection(("127.0.0.1", port), timeout=0.01))
            for _ in range(CONNECTIONS)
        ]
        for client in waiting:
            client.sendall(ENDLESS_REQUEST)
        assert begun.wait(30)
        wait_until(lambda: ask(port, "GET", "/ping").status == 503)
        answer = ask(port, "GET", "/ping")
        assert answer.headers["tracelate-model"] == f"{NAME}/1"
        assert not any(map(is_closed_by_server, waiting))
    wait_until(lambda: ask(port, "GET", "/ping").status == 200)


@pytest.mark.parametrize("name", ["weights.safetensors", "config.json", "tokenizer.json"])
def test_a_changed_file_is_not_served_and_is_named(packed: Path, name: str) -> None:
    path = packed / "artifacts" / name
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"{name} has changed"):
        load_servable(resolve(str(packed)))


def test_a_warning_is_said_once_the_model_is_loaded(
    packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(server._Server, "run", lambda *_, **__: None)
    monkeypatch.setattr(server, "THREAD_NAME", "none of this process")
    serve(resolve(str(packed)), "127.0.0.1", 0, Limits(), said.append, warning="warning: moved")
    assert said == ["warning: moved", "stopped"]
    said.clear()
    (packed / "artifacts/config.json").unlink()
    with pytest.raises(InputError):
        serve(resolve(str(packed)), "127.0.0.1", 0, Limits(), said.append, warning="warning: moved")
    assert said == []


def is_closed(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=30).close()
    except ConnectionRefusedError:
        return True
    return False


def test_the_command_serves_until_it_is_stopped_and_answers_begun_requests(
    packed: Path,
) -> None:
    command = [sys.executable, "-m", "tracelate.cli.main", "serve", str(packed), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        port = int(said.partition("http://127.0.0.1:")[2].partition(";")[0])
        assert invoke(port, SENTENCES).status == 200
        with pytest.raises(InputError, match=f"port {port} of 127.0.0.1 cannot be had"):
            serve(resolve(str(packed)), "127.0.0.1", port, Limits(), print)
        body = json.dumps({"inputs": SENTENCES}).encode()
        head = (
            "POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nexpect: 100-continue\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.sendall(head.encode())
            assert client.recv(100).startswith(b"HTTP/1.1 100 ")
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: is_closed(port))
            client.sendall(body)
            answer = http.client.HTTPResponse(client)
            answer.begin()
            assert len(json.loads(answer.read())["predictions"]) == len(SENTENCES)
        assert process.stderr.read().splitlines() == ["stopped"]
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("models:/nobody@champion", "it is not in sqlite"),
        ("models:/nobody/3", "it is not in sqlite"),
        ("models:/nobody", "it has no alias, version or id"),
        ("models:/m-0123", "it is not in sqlite"),
        ("runs:/0123456789", "it is no file or folder, and no run in sqlite"),
        (".", "it belongs to no project and no packed model"),
    ],
)
def test_a_folder_without_a_model_is_refused_in_one_line(
    empty_database: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reference: str,
    message: str,
) -> None:
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught, packed_model(resolve(reference)):
        pass
    assert str(caught.value).startswith(f"{reference!r} names no model or run ({message}")
    assert "\n" not in str(caught.value)


@pytest.fixture
def synced(
    finished_project: Path,
    lineage: Lineage,
    mlflow_server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[RunWriter, str]]:
    """The run and the model's id in a server of MLflow's."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    for room in ("models", "reports", "data"):
        shutil.copytree(finished_project / room, tmp_path / room)
    shutil.copyfile(finished_project / "params.yaml", tmp_path / "params.yaml")
    run = sync_project(tmp_path).run
    model_id = register(mlflow_client(), lineage)
    yield run, model_id
    mlflow_client().delete_registered_model(NAME)
    mlflow_client().delete_logged_model(model_id)
    mlflow_client().delete_run(run.run_id)


def test_a_lineage_that_is_not_the_logged_one_is_refused_also_in_a_database(
    finished_project: Path, lineage: Lineage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(finished_project / "mlflow.db", tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    client = mlflow_client()
    model_id = register(client, lineage)
    with packed_model(resolve(f"models:/{NAME}@champion")) as packed:
        assert packed.source.model_id == model_id
    client.set_logged_model_tags(model_id, {"lineage_sha256": "0" * 64})
    with pytest.raises(InputError, match=r"lineage\.json of models:/.* has changed"):
        load_servable(resolve(f"models:/{NAME}@champion"))


def test_a_model_is_found_in_a_server_by_each_of_its_names(
    synced: tuple[RunWriter, str], lineage: Lineage
) -> None:
    run, model_id = synced
    titles = {}
    for reference in (f"models:/{NAME}@champion", f"models:/{model_id}", run.run_id[:8]):
        with packed_model(resolve(reference)) as packed:
            assert packed.lineage == lineage
            assert (packed.source.run_id, packed.source.model_id) == (run.run_id, model_id)
            titles[reference[:9]] = packed.source.title
    assert sorted(titles.values()) == ["en-es-gru-general", "en-es-gru-general", f"{NAME}/1"]
    loaded = load_trained(resolve(f"models:/{NAME}/1"))
    assert loaded.trained.config.target_language == "es"
    mlflow_client().set_logged_model_tags(model_id, {"lineage_sha256": "0" * 64})
    with pytest.raises(InputError, match=r"lineage\.json of models:/.* has changed"):
        load_servable(resolve(f"models:/{NAME}/1"))
