"""Kills the stages prepare and tokenize at random moments: python -m tests.faults.data_stages.

Each is run again after its kill, and its files are compared with those of undisturbed stages. The
same seed gives the same kills.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from tests.faults.project import make_project
from tracelate.files import sha256_of

FOLDERS = {"prepare": "data/prepared", "tokenize": "data/tokenized"}
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def main(
    kills: Annotated[int, typer.Option(min=1)] = 30, seed: Annotated[int, typer.Option()] = 1
) -> None:
    """Kill the data stages, and compare the end with undisturbed stages."""
    equal = 0
    with tempfile.TemporaryDirectory() as scratch:
        made = make_project(Path(scratch) / "made")
        seconds = {stage: _seconds(made, stage) for stage in FOLDERS}
        wanted = _hashes(made)
        for number in range(1, kills + 1):
            draw = random.Random(f"{seed}:{number}")
            stage, sent, share = draw.choice(list(FOLDERS)), draw.choice(SIGNALS), draw.random()
            folder = Path(scratch) / f"kill-{number}"
            shutil.copytree(made, folder)
            shutil.rmtree(folder / FOLDERS[stage])
            (folder / FOLDERS[stage]).mkdir()
            process = subprocess.Popen(_command(stage), cwd=folder, stderr=subprocess.DEVNULL)
            time.sleep(share * seconds[stage])
            process.send_signal(sent)
            status = process.wait()
            subprocess.run(_command(stage), cwd=folder, check=True, stdout=subprocess.DEVNULL)
            is_equal = _hashes(folder) == wanted
            equal += is_equal
            typer.echo(
                f"{number} {stage}: {sent.name} at {share:.0%}, status {status}: "
                f"{'equal' if is_equal else 'different'}"
            )
            shutil.rmtree(folder)
    typer.echo(f"{equal} of {kills} equal")
    raise typer.Exit(0 if equal == kills else 1)


def _command(stage: str) -> list[str]:
    return [sys.executable, "-m", f"pipeline.{stage}"]


def _seconds(project: Path, stage: str) -> float:
    began_s = time.monotonic()
    subprocess.run(_command(stage), cwd=project, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began_s


def _hashes(project: Path) -> dict[str, str]:
    """Returns the hash of each file in the folders of data, and in reports."""
    files = [path for name in ("data", "reports") for path in (project / name).rglob("*")]
    return {str(path.relative_to(project)): sha256_of(path) for path in files if path.is_file()}


if __name__ == "__main__":
    typer.run(main)
