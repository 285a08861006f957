"""Measures honest clients of a server for an hour, alone and beside hostile clients in turn.

    python -m benchmarks.hostile_hour MODEL --out hour.jsonl [--minutes 62] [--window 120]

MODEL is a model as for `tracelate serve`. The sentences are those of data/prepared/test.parquet.
The server may open 1,024 files. Windows of honest clients alone and beside hostile ones take turns,
so that other work on the machine concerns both alike. Each client has an address of its own in
127.0.0.0/8 (Linux). Each window and each measurement of memory is written to --out as it ends, a
JSON object a line; a summary is printed at the end, and from the file with --summary-only.
"""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import multiprocessing
import random
import resource
import select
import socket
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import psutil
import typer

from benchmarks.serving_load import (
    CLOSED,
    JSON,
    LONGEST_BYTES,
    OPEN,
    PATIENCE_S,
    SLOW,
    Request,
    hostile_requests,
    is_refused,
    send,
    serving,
    shown,
)
from tracelate import layout
from tracelate.corpus.pairs import read_pairs

FILES = 1024
"""Files that the server may have open: `ulimit -n`."""
IDLE = (400, 1_100)
"""Idle connections of successive hostile windows, in turn."""
SLOW_SENDERS = {"a slow body": 16, "slow headers": 16}
SLOW_READERS = {"GET /model": 8, "POST /invocations": 8}
READ_NOTHING_S = 60.0
"""Seconds after which a client that reads nothing must have been closed."""
RECONNECT_S = 5.0
HOSTILE_EVERY_S = 0.1
MEMORY_EVERY_S = 10.0
SETTLE_S = 10.0
"""Between two windows, for the connections of one to end."""
FAIR, SECOND, HARD, LONG, HOSTILE, HELD = (f"127.0.0.{n}" for n in (2, 3, 4, 5, 6, 7))
"""Addresses of the clients."""


class Honest(NamedTuple):
    """A client that sends requests at a steady rate and reads their answers."""

    name: str
    address: str
    sentences: int
    every_s: float


HONEST = (Honest("fair", FAIR, 1, 0.5), Honest("second", SECOND, 4, 2.0))


class Window(NamedTuple):
    """The answers that clients had in one window."""

    latencies_ms: dict[str, list[float]]
    """Of the honest clients by name."""
    statuses: dict[str, Counter[int]]
    """By name of the honest client or kind of hostile request."""


def main(
    model: Annotated[str, typer.Argument(help="Model, as for `tracelate serve`.")],
    out: Annotated[Path, typer.Option(help="File of the measurements, which must not exist.")],
    minutes: Annotated[float, typer.Option(help="Duration of all windows.")] = 62,
    window: Annotated[float, typer.Option(help="Duration of each window in seconds.")] = 120,
    summary_only: Annotated[bool, typer.Option("--summary-only")] = False,
) -> None:
    if not summary_only:
        measure(model, out, minutes, window)
    raise SystemExit(not summarise([json.loads(line) for line in out.open()]))


def measure(model: str, out: Path, minutes: float, window: float) -> None:
    sentences = [pair.source for pair in read_pairs(layout.TEST)]
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, most_files))
    context = multiprocessing.get_context("spawn")
    with out.open("x") as file, serving(model) as server:
        # this process has the attackers' connections, too
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(most_files, 8 * FILES), most_files))
        began_s, ended = time.monotonic(), threading.Event()

        def write(entry: dict[str, Any]) -> None:
            file.write(json.dumps({"at_s": round(time.monotonic() - began_s, 1), **entry}) + "\n")
            file.flush()

        def watch() -> None:
            process = psutil.Process(server.pid)
            while not ended.wait(MEMORY_EVERY_S):
                write({"memory_mb": server.memory_mb, "files": process.num_fds()})

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            for number in itertools.count():
                if time.monotonic() - began_s > 60 * minutes:
                    break
                idle = IDLE[number // 2 % len(IDLE)] if number % 2 else 0
                with ProcessPoolExecutor(1, mp_context=context) as pool:
                    pool.submit(attacked, server.port, sentences, 0, 0, 0).result()
                    attack = pool.submit(attacked, server.port, sentences, window, idle, number)
                    seen = be_honest(server.port, sentences, window, number)
                    seen.statuses.update(attack.result() if idle else {})
                write({"idle": idle, **seen._asdict()})
                time.sleep(SETTLE_S)
        finally:
            ended.set()
            watcher.join()


def be_honest(port: int, sentences: list[str], seconds: float, seed: int) -> Window:
    """Runs the honest clients. Returns their latencies and the statuses of their answers."""
    short = [one for one in sentences if len(one) <= 40]
    seen = Window({one.name: [] for one in HONEST}, {one.name: Counter() for one in HONEST})

    def work(client: Honest) -> None:
        draw = random.Random(f"{client.name} {seed}")
        connection = connect(port, client.address)
        for at_s in paced(client.every_s, seconds):
            time.sleep(max(0.0, at_s - time.monotonic()))
            chosen = draw.sample(short, client.sentences)
            request = Request("", "POST", "/invocations", JSON, invocation(chosen))
            if was_closed(connection):
                connection.close()
            answer = send(connection, request)
            seen.latencies_ms[client.name].append(round(1000 * answer.seconds, 1))
            seen.statuses[client.name][answer.status] += 1
        connection.close()

    run_all([lambda one=one: work(one) for one in HONEST])  # type: ignore[misc]
    return seen


def attacked(
    port: int, sentences: list[str], seconds: float, idle: int, seed: int
) -> dict[str, Counter[int]]:
    """Runs the hostile clients, in a process of their own. Returns statuses by kind of request."""
    if not idle:
        return {}
    statuses: dict[str, Counter[int]] = {}
    until_s = time.monotonic() + seconds

    def count(kind: str, status: int) -> None:
        statuses.setdefault(kind, Counter())[status] += 1

    def refused() -> None:
        requests = itertools.chain.from_iterable(zip(*kinds_of_requests(sentences), strict=False))
        skipped = itertools.islice(requests, 1000 * seed, None)
        connection = connect(port, HOSTILE)
        for at_s, request in zip(paced(HOSTILE_EVERY_S, seconds), skipped, strict=False):
            time.sleep(max(0.0, at_s - time.monotonic()))
            count(request.kind, send(connection, request).status)

    def ask(kind: str, address: str, chosen: list[str], **params: Any) -> None:
        body = json.dumps({"inputs": chosen, "params": params}).encode()
        connection = connect(port, address)
        while time.monotonic() < until_s:
            connection.timeout = max(1.0, until_s - time.monotonic())
            if connection.sock:
                connection.sock.settimeout(connection.timeout)
            answer = send(connection, Request(kind, "POST", "/invocations", JSON, body))
            if time.monotonic() < until_s:
                count(kind, answer.status)
            if answer.status == 503:
                time.sleep(1)

    letters = "".join(map(chr, range(33, 127)))
    longest = "".join(random.Random(seed).choices(letters, k=LONGEST_BYTES))
    many = random.Random(seed).sample(sentences, 128)
    run_all(
        [
            refused,
            lambda: ask("a hard sentence", HARD, [longest], beam_size=16),
            lambda: ask("a hard sentence", HARD, [longest], n_best=16, with_alignment=True),
            lambda: ask("many sentences", LONG, many),
            lambda: asyncio.run(hold_all(port, sentences, idle, until_s, count)),
        ]
    )
    return statuses


def kinds_of_requests(sentences: list[str]) -> Iterator[Iterator[Request]]:
    yield hostile_requests(sentences)
    hosts = ("evil.example", "127.0.0.1.evil.example", "[::1", "", "a" * 5000, "localhost:x")
    body = invocation(sentences[:1])
    yield itertools.cycle(
        Request("a wrong host", "POST", "/invocations", {**JSON, "host": host}, body)
        for host in hosts
    )


async def hold_all(
    port: int, sentences: list[str], idle: int, until_s: float, count: Callable[[str, int], None]
) -> None:
    """Keeps connections open that send slowly, send nothing or read nothing."""
    kinds = {**SLOW_SENDERS, "idle": idle}
    held = [hold(port, kind, until_s, count) for kind, of in kinds.items() for _ in range(of)]
    body = invocation(sentences[:1])
    unread = {
        "GET /model": b"GET /model HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "POST /invocations": b"POST /invocations HTTP/1.1\r\nhost: localhost\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body),
    }
    held += [
        read_nothing(port, kind, unread[kind], until_s, count)
        for kind, of in SLOW_READERS.items()
        for _ in range(of)
    ]
    await asyncio.gather(*held)


async def hold(port: int, kind: str, until_s: float, count: Callable[[str, int], None]) -> None:
    loop = asyncio.get_running_loop()
    first, again = SLOW[kind]
    while time.monotonic() < until_s:
        status: int | None = None
        with open_socket() as client:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await loop.sock_connect(client, ("127.0.0.1", port))
                    for sent in itertools.chain([first], itertools.repeat(again)):
                        await loop.sock_sendall(client, sent)
                        try:
                            async with asyncio.timeout(min(1, until_s - time.monotonic())):
                                answer = await loop.sock_recv(client, 100)
                        except TimeoutError:
                            if time.monotonic() >= until_s:
                                return
                            continue
                        status = int(answer.split()[1]) if answer else CLOSED
                        break
            except TimeoutError:
                status = OPEN
            except OSError:
                status = CLOSED
        count(kind, CLOSED if status is None else status)
        await asyncio.sleep(RECONNECT_S)


async def read_nothing(
    port: int, kind: str, request: bytes, until_s: float, count: Callable[[str, int], None]
) -> None:
    """Sends that request as often as the server takes it, and never reads."""
    loop = asyncio.get_running_loop()
    while time.monotonic() < until_s:
        status = OPEN
        with open_socket(buffer_bytes=4096) as client:
            full_s = min(READ_NOTHING_S, until_s - time.monotonic())
            try:
                await loop.sock_connect(client, ("127.0.0.1", port))
                sent_s = time.monotonic()
                while time.monotonic() - sent_s < full_s:
                    try:
                        async with asyncio.timeout(1):
                            await loop.sock_sendall(client, request)
                        sent_s = time.monotonic()
                    except TimeoutError:
                        continue
            except OSError:
                status = CLOSED
        if status != OPEN or full_s == READ_NOTHING_S:
            count(f"reads nothing of {kind}", status)
        await asyncio.sleep(1)


def open_socket(buffer_bytes: int | None = None) -> socket.socket:
    client = socket.socket()
    client.setblocking(False)
    if buffer_bytes:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
    client.bind((HELD, 0))
    return client


def connect(port: int, address: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(
        "127.0.0.1", port, timeout=PATIENCE_S, source_address=(address, 0)
    )


def was_closed(connection: http.client.HTTPConnection) -> bool:
    """True if the server has closed the kept connection, as clients' libraries look before use."""
    sock = connection.sock
    return sock is not None and bool(select.select([sock], [], [], 0)[0])


def invocation(sentences: list[str]) -> bytes:
    return json.dumps({"inputs": sentences}).encode()


def paced(every_s: float, seconds: float) -> Iterator[float]:
    """Yields times to act; one that has passed by more than `every_s` is left out."""
    began_s = time.monotonic()
    for number in itertools.count():
        at_s = began_s + number * every_s
        if at_s > began_s + seconds:
            return
        if time.monotonic() - at_s < every_s:
            yield at_s


def run_all(tasks: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def summarise(entries: list[dict[str, Any]]) -> bool:
    """Prints the measurements.

    Returns True if no honest request failed and every hostile one was refused,
    memory did not grow by more than 10 % and the fair client's p99 at most doubled.
    """
    windows = [one for one in entries if "idle" in one]
    memory = [one for one in entries if "memory_mb" in one]
    p99_ms = {}
    for client, idle in itertools.product((one.name for one in HONEST), (False, True)):
        chosen = [one["latencies_ms"][client] for one in windows if bool(one["idle"]) == idle]
        times_ms = sorted(itertools.chain(*chosen))
        if len(times_ms) < 2:
            continue
        cuts = statistics.quantiles(times_ms, n=100)
        p99_ms[client, idle] = cuts[98]
        each = [statistics.quantiles(one, n=100)[98] for one in chosen]
        typer.echo(
            f"{client:<7}{'beside hostile' if idle else 'alone':<16}{len(times_ms):>6,} requests "
            f"in {len(chosen)} windows: p50 {cuts[49]:,.0f} ms, p99 {cuts[98]:,.0f} ms, slowest "
            f"{times_ms[-1]:,.0f} ms; median of the windows' p99 {statistics.median(each):,.0f} ms"
        )
    statuses: dict[str, Counter[int]] = {}
    for window in windows:
        for kind, counts in window["statuses"].items():
            statuses.setdefault(kind, Counter()).update({int(k): v for k, v in counts.items()})
    honest = {one.name for one in HONEST}
    wrong = []
    for kind, counts in sorted(statuses.items()):
        for status, number in sorted(counts.items()):
            typer.echo(f"{kind:<36}{shown(status):<10}{number:>8,}")
            if not is_right(kind, status, kind in honest):
                wrong.append(f"{kind}: {shown(status)}")
    quiet = memory_alone(entries) or [one["memory_mb"] for one in memory]
    quarter = max(1, len(quiet) // 4)
    first, last = (statistics.median(part) for part in (quiet[:quarter], quiet[-quarter:]))
    typer.echo(
        f"memory in windows of honest clients alone: {first:,.0f} MB in the first quarter, "
        f"{last:,.0f} MB in the last; at most {max(one['memory_mb'] for one in memory):,.0f} MB in "
        f"all; open files: {min(one['files'] for one in memory)} to "
        f"{max(one['files'] for one in memory)}"
    )
    ratio = p99_ms.get(("fair", True), 0.0) / p99_ms.get(("fair", False), 1.0)
    typer.echo(f"p99 of the fair client: {ratio:.2f} times that alone; wrong: {wrong or 'nothing'}")
    return not wrong and last <= 1.1 * first and ratio <= 2


def memory_alone(entries: list[dict[str, Any]]) -> list[float]:
    """Returns the server's memory in MB in windows of honest clients alone."""
    found: list[float] = []
    since: list[float] = []
    for entry in entries:
        if "memory_mb" in entry:
            since.append(entry["memory_mb"])
        else:
            found += [] if entry["idle"] else since
            since = []
    return found


def is_right(kind: str, status: int, honest: bool) -> bool:
    if honest:
        return status == 200
    if kind in ("a hard sentence", "many sentences"):
        return status in (200, 503)
    if kind.startswith("reads nothing"):
        return status == CLOSED
    # a connection beyond the limit makes the one close that has waited longest
    return is_refused(kind, status) or (status == CLOSED and kind in SLOW)


if __name__ == "__main__":
    typer.run(main)
