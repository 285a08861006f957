"""Measures a served model under load, with expensive requests and with hostile requests.

    python -m benchmarks.serving_load MODEL [--seconds 60] [--hostile 1000]

MODEL is a model as for `tracelate serve`. The sentences are those of data/prepared/test.parquet.
The server is started on a free port; all counts are numbers of requests.
"""

from __future__ import annotations

import http.client
import itertools
import json
import random
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from tracelate import layout
from tracelate.corpus.pairs import read_pairs

CLIENTS = (1, 4, 16)
SENTENCES = (1, 2, 4, 8)
"""Numbers of sentences of successive requests, repeated."""
PATIENCE_S = 120
JSON = {"content-type": "application/json"}
EXPENSIVE = {
    "16 beams": {"beam_size": 16},
    "16 alignments": {"n_best": 16, "with_alignment": True},
}
"""Parameters of the most expensive requests that the server accepts."""
LONGEST_BYTES = 1000
SLOW = {
    "a slow body": (
        b"POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        b"content-length: 1000\r\n\r\n",
        b" ",
    ),
    "slow headers": (b"POST /invocations HTTP/1.1\r\n", b"x: y\r\n"),
    "idle": (b"", b""),
}
"""Bytes that are sent first, and bytes that are then sent every second, by kind of request."""
SLOW_CONNECTIONS = {"a slow body": 3, "slow headers": 3, "idle": 400}
CLOSED, OPEN = 0, -1
"""Statuses of a connection that was closed without an answer, or not closed."""
MAY_BE_CLOSED = ("slow headers", "idle")


class Level(NamedTuple):
    """Measurements with one number of clients."""

    clients: int
    seconds: float
    latencies_s: list[float]
    sentences: int
    statuses: Counter[int]
    memory_start_mb: float
    memory_end_mb: float


class Request(NamedTuple):
    kind: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Answer(NamedTuple):
    status: int
    """HTTP status, or CLOSED if there is no answer."""
    headers: dict[str, str]
    """Headers by name in lower case."""
    body: bytes
    seconds: float


class Server(NamedTuple):
    port: int
    pid: int

    @property
    def memory_mb(self) -> float:
        """Resident memory of the process in MB on Linux; NaN on other systems."""
        status = Path(f"/proc/{self.pid}/status")
        found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text()) if status.exists() else None
        return int(found[1]) / 1024 if found else float("nan")


def main(
    model: Annotated[str, typer.Argument(help="Model, as for `tracelate serve`.")],
    seconds: Annotated[float, typer.Option(help="Duration with each number of clients.")] = 60,
    hostile: Annotated[int, typer.Option(help="Number of hostile requests.")] = 1000,
) -> None:
    sentences = [pair.source for pair in read_pairs(layout.TEST)]
    console = Console(highlight=False, width=110)
    with serving(model) as server:
        before = translate(server.port, sentences[:8])
        console.print(load_table([load(server, sentences, count, seconds) for count in CLIENTS]))
        expensive, ordinary = load_expensively(server, sentences)
        console.print(expensive_table(expensive, ordinary))
        unserved = [one.status for one in (*expensive.values(), *ordinary) if not is_served(one)]
        console.print(
            "expensive and ordinary requests at once: "
            + (f"answered with {unserved}" if unserved else "answered or refused with Retry-After")
        )
        statuses = attack(server, sentences, hostile)
        console.print(hostile_table(statuses))
        wrong = [key for key in statuses if not is_refused(*key)]
        after = translate(server.port, sentences[:8])
        console.print(
            f"{sum(statuses.values()):,} hostile requests, "
            f"{'all refused' if not wrong else f'NOT refused: {wrong}'}; the same "
            f"sentences {'are' if before == after else 'are NOT'} translated as before; "
            f"{server.memory_mb:,.0f} MB"
        )
    raise SystemExit(bool(wrong or unserved) or before != after)


@contextmanager
def serving(model: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "tracelate.cli.main", "serve", model, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            sys.stderr.write(line)
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                break
        else:
            raise SystemExit(1)
        log = threading.Thread(target=sys.stderr.writelines, args=[process.stderr], daemon=True)
        log.start()
        try:
            yield Server(int(found[1]), process.pid)
        finally:
            process.terminate()
            log.join()


def translate(port: int, sentences: list[str]) -> list[str]:
    body = json.dumps({"inputs": sentences}).encode()
    answer = send(connect(port), Request("", "POST", "/invocations", JSON, body))
    if answer.status != 200:
        raise SystemExit(f"status {answer.status}: {answer.body!r}")
    translations: list[str] = json.loads(answer.body)["predictions"]
    return translations


def load(server: Server, sentences: list[str], clients: int, seconds: float) -> Level:
    """Runs clients that each send a request as soon as the previous one is answered."""
    latencies_s: list[float] = []
    statuses: Counter[int] = Counter()
    counts: list[int] = []
    memory_mb = server.memory_mb
    began_s = time.perf_counter()

    def work(seed: int) -> None:
        draw = random.Random(seed)
        connection = connect(server.port)
        for size in itertools.cycle(SENTENCES):
            if time.perf_counter() - began_s > seconds:
                return
            body = json.dumps({"inputs": draw.sample(sentences, size)}).encode()
            answer = send(connection, Request("", "POST", "/invocations", JSON, body))
            latencies_s.append(answer.seconds)
            statuses[answer.status] += 1
            counts.append(size if answer.status == 200 else 0)

    threads = [threading.Thread(target=work, args=[seed]) for seed in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took_s = time.perf_counter() - began_s
    return Level(clients, took_s, latencies_s, sum(counts), statuses, memory_mb, server.memory_mb)


def load_table(levels: list[Level]) -> Table:
    table = Table(title="Requests of 1, 2, 4 and 8 sentences in turn")
    for name in ("clients", "requests/s", "sentences/s", "p50 ms", "p99 ms", "errors", "RSS MB"):
        table.add_column(name, justify="right")
    for level in levels:
        cuts = statistics.quantiles(level.latencies_s, n=100)
        table.add_row(
            str(level.clients),
            f"{len(level.latencies_s) / level.seconds:,.1f}",
            f"{level.sentences / level.seconds:,.1f}",
            f"{1000 * cuts[49]:,.0f}",
            f"{1000 * cuts[98]:,.0f}",
            str(sum(count for status, count in level.statuses.items() if status != 200)),
            f"{level.memory_start_mb:,.0f} → {level.memory_end_mb:,.0f}",
        )
    return table


def load_expensively(
    server: Server, sentences: list[str]
) -> tuple[dict[str, Answer], list[Answer]]:
    """Sends all EXPENSIVE requests at once, and ordinary ones until they are answered.

    Returns the answers to the expensive requests by kind, and those to the ordinary ones.
    """
    draw = random.Random(2)
    letters = "".join(map(chr, range(33, 127)))
    longest = "".join(draw.choices(letters, k=LONGEST_BYTES))
    expensive: dict[str, Answer] = {}
    ordinary: list[Answer] = []

    def ask(kind: str, params: dict[str, Any]) -> None:
        body = json.dumps({"inputs": [longest], "params": params}).encode()
        request = Request(kind, "POST", "/invocations", JSON, body)
        expensive[kind] = send(connect(server.port), request)

    threads = [threading.Thread(target=ask, args=one) for one in EXPENSIVE.items()]
    for thread in threads:
        thread.start()
    connection = connect(server.port)
    while any(thread.is_alive() for thread in threads):
        body = json.dumps({"inputs": draw.sample(sentences, 1)}).encode()
        ordinary.append(send(connection, Request("", "POST", "/invocations", JSON, body)))
    return expensive, ordinary


def is_served(answer: Answer) -> bool:
    return answer.status == 200 or (answer.status == 503 and "retry-after" in answer.headers)


def expensive_table(expensive: dict[str, Answer], ordinary: list[Answer]) -> Table:
    table = Table(title=f"A sentence of {LONGEST_BYTES:,} bytes, and ordinary requests meanwhile")
    for name in ("kind", "status", "requests", "slowest s"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    answers = [*expensive.items(), *(("ordinary", answer) for answer in ordinary)]
    for kind, status in dict.fromkeys((kind, answer.status) for kind, answer in answers):
        seconds = [one.seconds for of, one in answers if (of, one.status) == (kind, status)]
        table.add_row(kind, shown(status), f"{len(seconds):,}", f"{max(seconds):.1f}")
    return table


def attack(server: Server, sentences: list[str], count: int) -> Counter[tuple[str, int]]:
    """Sends hostile requests. Returns the number of answers by kind of request and status."""
    statuses: Counter[tuple[str, int]] = Counter()
    connection = connect(server.port)
    for request in itertools.islice(hostile_requests(sentences), count):
        statuses[request.kind, send(connection, request).status] += 1
    kinds = [kind for kind, connections in SLOW_CONNECTIONS.items() for _ in range(connections)]
    with ThreadPoolExecutor(len(kinds)) as slow:
        answered = slow.map(lambda kind: send_slowly(server.port, *SLOW[kind]), kinds)
        statuses.update(zip(kinds, answered, strict=True))
    return statuses


def is_refused(kind: str, status: int) -> bool:
    return 400 <= status < 500 or (status == CLOSED and kind in MAY_BE_CLOSED)


def hostile_requests(sentences: list[str]) -> Iterator[Request]:
    """Yields hostile requests of all kinds in turn, without end. The server must refuse each."""
    draw = random.Random(1)
    good = {"inputs": [sentences[0]]}
    wrong_values: list[Any] = [None, 5, 1.5, True, {}, [1], [None], [["a"]], {"a": ["b"]}, "text"]
    wrong_sizes: list[Any] = [0, -1, 10**30, 1.5, "5", None, [], float("nan"), 65]
    wrong_params: list[Any] = [{"beam_size": size} for size in wrong_sizes]
    wrong_penalties: list[Any] = [float("inf"), 1000, 10**400, -1, "1"]
    wrong_params += [{"length_penalty": penalty} for penalty in wrong_penalties]
    wrong_params += [{"n_best": 99}, {"x": 1}, [], "a", 5]
    while True:
        nested = b"[" * draw.randrange(1, 50_000)
        bodies: dict[str, bytes] = {
            "random bytes": draw.randbytes(draw.randrange(2000)),
            "no UTF-8": b'{"inputs": ["' + draw.randbytes(20) + b'\xff"]}',
            "a lone surrogate": b'{"inputs": ["a\\ud800b"]}',
            "a raw null byte": b'{"inputs": ["a\0b"]}',
            "deep JSON": nested,
            "deep JSON inside": b'{"inputs": ' + nested,
            "wrong inputs": json.dumps({"inputs": draw.choice(wrong_values)}).encode(),
            "wrong params": json.dumps({**good, "params": draw.choice(wrong_params)}).encode(),
            "a wrong key": json.dumps({**good, "".join(draw.sample("abcdef", 3)): 1}).encode(),
            "other formats": json.dumps({"dataframe_split": {"data": [["a"]]}}).encode(),
            "NaN among inputs": b'{"inputs": ["a", NaN, Infinity]}',
            "100,000 characters": json.dumps({"inputs": ["a" * 100_000]}).encode(),
            "one long word": json.dumps({"inputs": ["😀" * draw.randrange(1001, 9000)]}).encode(),
            "10,000 sentences": json.dumps({"inputs": ["a"] * 10_000}).encode(),
            "5 MB": b'{"inputs": ["' + b"a" * 5_000_000,
            "cut off": json.dumps(good).encode()[: draw.randrange(len(json.dumps(good)))],
        }
        for kind, body in bodies.items():
            yield Request(kind, "POST", "/invocations", JSON, body)
        body = json.dumps(good).encode()
        for content_type in ("text/csv", "application/x-parquet", "application/json; charset=x"):
            headers = {"content-type": content_type}
            yield Request("wrong content type", "POST", "/invocations", headers, body)
        yield Request("no content type", "POST", "/invocations", {}, body)
        headers = {**JSON, "content-encoding": "gzip"}
        yield Request("gzip", "POST", "/invocations", headers, draw.randbytes(100))
        for method in ("GET", "PUT", "DELETE", "PATCH"):
            yield Request("wrong method", method, "/invocations", JSON, body)
        for path in ("/", "/docs", "/openapi.json", "/model/../x", "/%00", "/invocations/x"):
            yield Request("wrong path", "POST", path, JSON, body)
        yield Request("a header of 100 kB", "POST", "/invocations", {"x": "a" * 100_000}, body)
        yield Request("broken HTTP", "G\x01T", "/invocations", {}, b"")


def hostile_table(statuses: Counter[tuple[str, int]]) -> Table:
    table = Table(title="Hostile requests")
    for name in ("kind", "status", "requests"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for (kind, status), count in sorted(statuses.items()):
        table.add_row(kind, shown(status), f"{count:,}")
    return table


def shown(status: int) -> str:
    return {CLOSED: "closed", OPEN: "left open"}.get(status, str(status))


def connect(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)


def send(connection: http.client.HTTPConnection, request: Request) -> Answer:
    sent_s = time.perf_counter()
    try:
        # the server must refuse also methods that http.client refuses to send
        connection._validate_method = lambda _: None  # type: ignore[attr-defined]
        connection.request(request.method, request.path, request.body, request.headers)
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, headers, answer.read(), time.perf_counter() - sent_s)
    except (OSError, http.client.HTTPException):
        connection.close()
        return Answer(CLOSED, {}, b"", time.perf_counter() - sent_s)


def send_slowly(port: int, first: bytes, again: bytes) -> int:
    """Sends an incomplete request slowly. Returns the status of the answer, CLOSED or OPEN."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
        client.settimeout(1)
        for sent in itertools.chain([first], itertools.repeat(again, PATIENCE_S)):
            try:
                client.sendall(sent)
                answer = client.recv(100)
            except TimeoutError:
                continue
            except OSError:
                return CLOSED
            return int(answer.split()[1]) if answer else CLOSED
    return OPEN


if __name__ == "__main__":
    typer.run(main)
