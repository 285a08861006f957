"""The differences between a project whose stages were disturbed and one whose stages were not."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tracelate.files import sha256_of
from tracelate.tracking.runs.run_writer import SPEEDS

EXPERIMENT = "tracelate"
"""Name of the experiment in params.yaml."""
TIMES = SPEEDS | {"training_seconds", "target_tokens_per_s"}
"""Metrics that are measured times or depend on them."""
SAME_FILES = (
    "models/weights.safetensors",
    "models/config.json",
    "models/tokenizer.json",
    "reports/curves/valid.csv",
    "reports/metrics.json",
    "reports/translations.jsonl",
)
OF_EXPERIMENT = "JOIN experiments USING (experiment_id) WHERE experiments.name = ?"
CONTENTS = {
    "params": "SELECT key, value FROM params JOIN runs USING (run_uuid)",
    "models": "SELECT logged_models.name, status FROM logged_models",
    "datasets": "SELECT datasets.name, digest FROM datasets",
}
"""From what runs have to the query that lists it."""
OF_TRIAL = ("runtime.experiment", "runtime.devices")
"""Params that differ from those of the undisturbed project."""


def find_differences(folder: Path, undisturbed: Path, database: Path, experiment: str) -> list[str]:
    """Compares files, and the experiment of `database` with that of the undisturbed project."""
    found = list(_file_differences(folder, undisturbed))
    with (
        closing(sqlite3.connect(database)) as ours,
        closing(sqlite3.connect(undisturbed / "mlflow.db")) as theirs,
    ):
        found += _point_differences(_points(ours, experiment), _points(theirs, EXPERIMENT))
        found += _run_differences(ours, experiment, folder)
        for what in CONTENTS:
            mine, yours = _contents(ours, experiment, what), _contents(theirs, EXPERIMENT, what)
            if mine != yours:
                found.append(f"{what}: {list(mine - yours)} and not {list(yours - mine)}")
    return found


def _file_differences(folder: Path, undisturbed: Path) -> Iterator[str]:
    for name in SAME_FILES:
        if not (folder / name).is_file():
            yield f"{name} is missing"
        elif sha256_of(folder / name) != sha256_of(undisturbed / name):
            yield f"{name} differs"
    if _train_curve(folder) != _train_curve(undisturbed):
        yield "reports/curves/train.csv differs"
    leftovers = [path.name for path in folder.rglob("*.unfinished") if path.is_file()]
    if leftovers:
        yield f"unfinished files remain: {leftovers}"


def _point_differences(
    ours: dict[tuple[str, int], list[float]], theirs: dict[tuple[str, int], list[float]]
) -> Iterator[str]:
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


def _points(store: sqlite3.Connection, experiment: str) -> dict[tuple[str, int], list[float]]:
    points: dict[tuple[str, int], list[float]] = {}
    query = f"SELECT key, step, value FROM metrics JOIN runs USING (run_uuid) {OF_EXPERIMENT}"
    for name, step, value in store.execute(query, (experiment,)):
        points.setdefault((name, step), []).append(value)
    return points


def _contents(store: sqlite3.Connection, experiment: str, what: str) -> Counter[tuple[str, ...]]:
    rows = store.execute(f"{CONTENTS[what]} {OF_EXPERIMENT}", (experiment,))
    return Counter(tuple(map(str, row)) for row in rows if row[0] not in OF_TRIAL)


def _run_differences(store: sqlite3.Connection, experiment: str, folder: Path) -> Iterator[str]:
    query = f"SELECT run_uuid, runs.status FROM runs {OF_EXPERIMENT}"
    runs = store.execute(query, (experiment,)).fetchall()
    states = Counter(status for _, status in runs)
    if states != {"FINISHED": 1}:
        yield f"the runs are {dict(states)} and not one that is FINISHED"
    run_id = json.loads((folder / "models/run.json").read_text(encoding="utf-8"))["run_id"]
    if run_id not in [run for run, _ in runs]:
        yield f"models/run.json names the run {run_id}, which the store does not have"
