"""A trial kills a stage at a random moment, runs it again, and looks at files and MLflow."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from tests.tiny_corpus import PROJECT, build_wheel, tiny_settings, write_params
from tracelate.files import sha256_of
from tracelate.tracking.runs.run_writer import SPEEDS

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
STAGES = ("train", "evaluate")
TIMES = SPEEDS | {"training_seconds", "target_tokens_per_s"}
"""Metrics that are measured times or depend on them."""
SAME_FILES = (
    "models/weights.safetensors",
    "models/config.json",
    "reports/curves/valid.csv",
    "reports/metrics.json",
    "reports/translations.jsonl",
)


class Trial(NamedTuple):
    """A stage that is sent signals, each after so many seconds of a new process of the stage."""

    stage: str
    signals: list[tuple[signal.Signals, float]]

    def __str__(self) -> str:
        kills = ", ".join(f"{sent.name} after {after_s:.2f} s" for sent, after_s in self.signals)
        return f"{self.stage}: {kills}"


class Undisturbed(NamedTuple):
    """The folder of a project in which all stages ran to their end, and their times in seconds."""

    folder: Path
    seconds: dict[str, float]


def make_project(folder: Path) -> Path:
    """Makes a folder with the tiny corpus, in which the stage tokenize has run."""
    wheel = build_wheel()
    cached = folder / "cache" / "wheels" / f"{sha256(wheel).hexdigest()}.whl"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(wheel)
    write_params(folder, tiny_settings(wheel))
    for stage in ("download", "prepare", "tokenize"):
        status, errors = _run(folder, stage)
        if status != 0:
            raise RuntimeError(errors)
    return folder


def run_undisturbed(prepared: Path, folder: Path) -> Undisturbed:
    """Trains and evaluates in a copy of a project with tokenized data and an empty store."""
    _copy(prepared, folder)
    seconds = {}
    for stage in STAGES:
        began_s = time.monotonic()
        status, errors = _run(folder, stage)
        if status != 0:
            raise RuntimeError(errors)
        seconds[stage] = time.monotonic() - began_s
    return Undisturbed(folder, seconds)


def draw_trials(undisturbed: Undisturbed, count: int, seed: int) -> Iterator[Trial]:
    """Yields trials with one or two kills, at moments spread over the stage's time."""
    draw = random.Random(seed)
    for _ in range(count):
        stage = draw.choices(STAGES, weights=(3, 1))[0]
        kills = draw.choices((1, 2), weights=(3, 1))[0]
        yield Trial(
            stage,
            [
                (draw.choice(SIGNALS), draw.uniform(0.05, undisturbed.seconds[stage]))
                for _ in range(kills)
            ],
        )


def run_trial(trial: Trial, undisturbed: Undisturbed, prepared: Path, folder: Path) -> list[str]:
    """Returns the differences from the undisturbed project; empty if there are none."""
    _copy(prepared, folder)
    if trial.stage == "evaluate" and _run(folder, "train")[0] != 0:
        return ["the training failed"]
    for sent, after_s in trial.signals:
        _run(folder, trial.stage, sent, after_s)
    for stage in STAGES[STAGES.index(trial.stage) :]:
        status, errors = _run(folder, stage)
        if status != 0:
            return [f"{stage} failed: {errors.strip().splitlines()[-1:]}"]
    return [*_file_differences(folder, undisturbed.folder), *_store_differences(folder)]


def _copy(prepared: Path, folder: Path) -> None:
    shutil.copytree(prepared / "data", folder / "data")
    shutil.copytree(prepared / "reports", folder / "reports")
    shutil.copyfile(prepared / "params.yaml", folder / "params.yaml")


def _run(
    folder: Path, stage: str, sent: signal.Signals | None = None, after_s: float = 0
) -> tuple[int, str]:
    """Runs a stage, and sends it a signal if it still runs then. Returns its status and stderr."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "src")]),
        "TRACELATE_CACHE": str(folder / "cache"),
    }
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
        environment.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, "-m", f"pipeline.{stage}"],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        _, errors = process.communicate(timeout=after_s if sent is not None else 300)
    except subprocess.TimeoutExpired:
        if sent is None:
            process.kill()
            raise
        process.send_signal(sent)
        _, errors = process.communicate(timeout=120)
    return process.returncode, errors


def _file_differences(folder: Path, undisturbed: Path) -> Iterator[str]:
    for name in SAME_FILES:
        if sha256_of(folder / name) != sha256_of(undisturbed / name):
            yield f"{name} differs"
    if _train_curve(folder) != _train_curve(undisturbed):
        yield "reports/curves/train.csv differs"
    ours, theirs = (_points(one / "mlflow.db") for one in (folder, undisturbed))
    for point in sorted(ours.keys() | theirs.keys()):
        our_values, their_values = ours.get(point, []), theirs.get(point, [])
        if point[0] not in TIMES and our_values != their_values:
            yield f"the point {point} is {our_values} and not {their_values}"
        elif len(our_values) != 1:
            yield f"the point {point} is there {len(our_values)} times"


def _train_curve(folder: Path) -> list[dict[str, str]]:
    with (folder / "reports/curves/train.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{name: row[name] for name in row if name not in TIMES} for row in rows]


def _points(database: Path) -> dict[tuple[str, int], list[float]]:
    points: dict[tuple[str, int], list[float]] = {}
    with sqlite3.connect(database) as store:
        for name, step, value in store.execute("select key, step, value from metrics"):
            points.setdefault((name, step), []).append(value)
    return points


def _store_differences(folder: Path) -> Iterator[str]:
    with sqlite3.connect(folder / "mlflow.db") as store:
        runs = store.execute("select run_uuid, status from runs").fetchall()
    states = Counter(status for _, status in runs)
    if states != {"FINISHED": 1}:
        yield f"the runs are {dict(states)} and not one that is FINISHED"
    run_id = json.loads((folder / "models/run.json").read_text())["run_id"]
    if run_id not in [run for run, _ in runs]:
        yield f"models/run.json names the run {run_id}, which the store does not have"
