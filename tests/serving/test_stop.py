"""The time in which a server ends that was asked to stop."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

STUCK_SERVER = """
import atexit, sys, time
import torch
from tracelate.serving import app, server
from tracelate.serving.limits import Limits
from tracelate.tracking.packages.packed_translator import PackedTranslator
from tracelate.tracking.references.references import resolve

translate = PackedTranslator.translate

def get_stuck(self, sentences, options):
    if "stuck" in sentences:
        print("stuck", file=sys.stderr, flush=True)
        while True:
            torch.rand(1000, 1000) @ torch.rand(1000, 1000)
    return translate(self, sentences, options)

PackedTranslator.translate = get_stuck
server.STOP_S, app.CLOSE_S, server.STOP_AT_MOST_S = 1, 1, 6
if sys.argv[2] == "at exit":
    server.THREAD_NAME = "none"
    atexit.register(time.sleep, 60)
say = lambda line: print(line, file=sys.stderr, flush=True)
server.serve(resolve(sys.argv[1]), "127.0.0.1", 0, Limits(), say)
"""


@pytest.mark.parametrize(
    ("where", "status", "least_s", "most_s"),
    [("in a batch", 0, 2, 6), ("at exit", -signal.SIGALRM, 6, 10)],
)
def test_a_server_that_gets_stuck_ends_in_the_time_that_is_said(
    packed: Path, where: str, status: int, least_s: float, most_s: float
) -> None:
    command = [sys.executable, "-c", STUCK_SERVER, str(packed), where]
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stderr is not None
        port = int(process.stderr.readline().partition("http://127.0.0.1:")[2].partition(";")[0])
        body = json.dumps({"inputs": ["stuck"]}).encode()
        head = "POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            assert process.stderr.readline() == "stuck\n"
            began_s = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert client.recv(20).startswith(b"HTTP/1.1 503 ")
            assert process.wait(50) == status
    assert least_s <= time.monotonic() - began_s < most_s
