"""Fuzzes all targets in turn: python -m tests.fuzz [--seconds 60] [--target NAME].

Each target runs in a process of its own, with a limit of 10 s for one input and of memory. An
input that fails is kept in tests/fuzz/inputs/TARGET/, where the tests run it from then on. The exit
status is 1 if one failed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tests.fuzz.targets import TARGETS

INPUTS = Path(__file__).with_name("inputs")
TIMEOUT_S = 10
MAX_RAM_MB = 2_000
"""Of a process; torch, MLflow and pyarrow need some 700 MB without any input."""


def main(
    seconds: Annotated[int, typer.Option(min=1, help="Time of all targets together.")] = 60,
    target: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
) -> None:
    """Fuzz the readers, settings and requests with changed copies of valid inputs."""
    names = target or list(TARGETS)
    if unknown := sorted(set(names) - TARGETS.keys()):
        raise typer.BadParameter(f"{unknown[0]} is not a target: choose from {', '.join(TARGETS)}")
    results = {name: fuzz(name, max(1, seconds // len(names))) for name in names}
    for name, (runs, failed) in results.items():
        typer.echo(f"{name}: {runs:,} inputs, {'FAILED' if failed else 'no fault'}")
    typer.echo(f"{sum(runs for runs, _ in results.values()):,} inputs in all")
    if any(failed for _, failed in results.values()):
        raise typer.Exit(1)


def fuzz(name: str, seconds: int) -> tuple[int, bool]:
    """Returns the number of inputs and True if one failed, which is kept and printed."""
    kept = INPUTS / name
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder) / "seeds"
        seeds.mkdir()
        for number, seed in enumerate(TARGETS[name].seeds()):
            (seeds / str(number)).write_bytes(seed)
        kept.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.fuzz.one",
                name,
                f"-max_total_time={seconds}",
                f"-timeout={TIMEOUT_S}",
                f"-rss_limit_mb={MAX_RAM_MB}",
                f"-artifact_prefix={kept}/",
                f"-max_len={max(map(len, TARGETS[name].seeds())) + 1000}",
                "-print_final_stats=1",
                str(seeds),
            ],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
        if not any(kept.iterdir()):
            kept.rmdir()
    runs = re.search(r"stat::number_of_executed_units: (\d+)", done.stderr)
    if done.returncode != 0:
        typer.echo(f"{name} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}", err=True)
    return int(runs[1]) if runs else 0, done.returncode != 0


if __name__ == "__main__":
    typer.run(main)
