"""Steps of the checks in test_adding.py, which run in the copy of the project."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.tiny_corpus import build_wheel, tiny_settings, write_params
from tracelate.corpus.pairs import read_pairs

STAGES = ("download", "prepare", "tokenize", "train")


def run_stages(*stages: str) -> None:
    for stage in stages:
        _run(sys.executable, "-m", f"pipeline.{stage}")


def train_tiny(**changes: Any) -> None:
    """Trains on the tiny corpus with these settings, and checks that the model was written."""
    write_params(Path(), tiny_settings(build_wheel(), **{"train.epochs": 1, **changes}))
    run_stages(*STAGES)
    settings = json.loads(Path("models/config.json").read_text(encoding="utf-8"))["model"]
    for name, value in changes.items():
        section, _, key = name.partition(".")
        if section == "model":
            assert settings[key] == value


def read_table(path: str) -> None:
    """Writes the tiny corpus as a table with tabs, and runs the stage download on it."""
    run_stages("download")
    pairs = read_pairs(Path("data/raw/all.parquet"))
    rows = [f"{pair.source}\t{pair.target}" for pair in pairs]
    Path(path).parent.mkdir(exist_ok=True)
    lines = [row for row in rows if len(row.splitlines()) == 1 and row.count("\t") == 1]
    Path(path).write_text("\n".join(lines), encoding="utf-8")
    changes = {
        "download.corpus": "table",
        "prepare.near_leakage": "warn",
        "prepare.max_near_leakage_percent": 100,
    }
    write_params(Path(), tiny_settings(build_wheel(), **changes))
    run_stages("download")


def tracelate(*arguments: str) -> str:
    """Standard output of the command."""
    return _run(sys.executable, "-m", "tracelate.cli.main", *arguments)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
