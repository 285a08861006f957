"""Measures how training keeps its speed beside a busy process, for settings of OpenMP.

    python -m benchmarks.beside_busy ROUNDS SECONDS [NAME=VALUE,NAME=VALUE ...]

Each argument after the first two is a set of environment variables; what the package sets when it
is started comes first. For each set a process repeats training steps on random words with the
settings of params.yaml. In each round the processes run one after the other for SECONDS: alone, and
beside one process that uses a core. `kept` is the median over rounds of the speed beside it divided
by the speed alone, and `alone` is relative to the first set.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Self

from rich.console import Console
from rich.table import Table

BUSY = "while True: pass"


class Speed(NamedTuple):
    """Speed of one process in one round."""

    tokens_per_s: float
    cpu_s_per_s: float
    """CPU seconds of all threads for each second."""


class Trainer:
    """A process that makes training steps when it is asked to."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.beside_busy", "--steps"],
            env={**os.environ, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def speed(self, seconds: float) -> Speed:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        tokens, cpu_s, elapsed_s = map(float, self.process.stdout.readline().split())
        return Speed(tokens / elapsed_s, cpu_s / elapsed_s)


def main() -> None:
    rounds, seconds = int(sys.argv[1]), float(sys.argv[2])
    names = ["", *sys.argv[3:]]
    trainers = [
        Trainer(dict(one.split("=", 1) for one in name.split(",") if one)) for name in names
    ]
    for trainer in trainers:
        trainer.speed(1)
    alone: list[list[Speed]] = [[] for _ in names]
    beside: list[list[Speed]] = [[] for _ in names]
    for number in range(rounds):
        sys.stderr.write(f"round {number + 1} of {rounds}\n")
        for trainer, speeds in zip(trainers, alone, strict=True):
            speeds.append(trainer.speed(seconds))
        with busy_process():
            for trainer, speeds in zip(trainers, beside, strict=True):
                speeds.append(trainer.speed(seconds))
    for trainer in trainers:
        trainer.__exit__()
    _print(names, alone, beside)


@contextmanager
def busy_process() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _print(
    names: Sequence[str], alone: Sequence[Sequence[Speed]], beside: Sequence[Sequence[Speed]]
) -> None:
    table = Table(title="Training, target tokens/s")
    for column in ("settings", "alone", "relative", "CPUs", "beside", "kept", "CPUs"):
        table.add_column(column, justify="left" if column == "settings" else "right")
    for name, free, busy in zip(names, alone, beside, strict=True):
        relative = [
            one.tokens_per_s / base.tokens_per_s for one, base in zip(free, alone[0], strict=True)
        ]
        kept = [one.tokens_per_s / base.tokens_per_s for one, base in zip(busy, free, strict=True)]
        table.add_row(
            name or "package",
            f"{statistics.median(one.tokens_per_s for one in free):,.0f}",
            f"{statistics.median(relative):.3f}",
            f"{statistics.median(one.cpu_s_per_s for one in free):.2f}",
            f"{statistics.median(one.tokens_per_s for one in busy):,.0f}",
            f"{statistics.median(kept):.2f}",
            f"{statistics.median(one.cpu_s_per_s for one in busy):.2f}",
        )
    Console(width=120).print(table)


def make_steps() -> None:
    """Reads numbers of seconds; after each, prints tokens, CPU seconds and seconds."""
    from benchmarks.attention_speed import SPECIAL, random_batches, seconds_of_a_round
    from tracelate.config import load_params
    from tracelate.model.seq2seq import Seq2Seq
    from tracelate.training.cpu_ram import tune_cpu_ram

    tune_cpu_ram()
    params = load_params()
    batches = random_batches(params)
    model = Seq2Seq(params.model, params.tokenize.vocabulary_size, SPECIAL.padding)
    seconds_of_a_round(model, batches[:1], precise=True)
    for line in sys.stdin:
        ends_s = time.perf_counter() + float(line)
        began_s, began_cpu_s, tokens, step = time.perf_counter(), time.process_time(), 0, 0
        while time.perf_counter() < ends_s:
            batch = batches[step % len(batches)]
            seconds_of_a_round(model, [batch], precise=True)
            tokens += batch.global_tokens
            step += 1
        now_s = time.perf_counter()
        print(tokens, time.process_time() - began_cpu_s, now_s - began_s, flush=True)  # noqa: T201


if __name__ == "__main__":
    make_steps() if sys.argv[1:] == ["--steps"] else main()
