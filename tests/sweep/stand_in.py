"""A project whose trainings are functions, for tests of a sweep."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.tiny_corpus import SETTINGS, write_params
from tracelate import layout
from tracelate.sweep.training import Slot

SPACE = {"train.learning_rate": {"low": 0.001, "high": 0.01, "log": True}}
Curve = Callable[[Mapping[str, Any]], list[float]]


def write_project(folder: Path) -> None:
    """Writes params.yaml, and files in place of the tokens."""
    write_params(folder, SETTINGS)
    for path in layout.TRAINING_INPUTS:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path.name)


def write_sweep(path: Path, **content: Any) -> Path:
    values = {"metric": "bleu", "trials": 4, "space": SPACE, **content}
    with path.open("w", encoding="utf-8") as file:
        YAML().dump({name: value for name, value in values.items() if value is not None}, file)
    return path


def flat_curve(params: Mapping[str, Any]) -> list[float]:
    """Three validations, the higher the nearer the learning rate is to 0.005."""
    best = 50 - 1000 * abs(params["train"]["learning_rate"] - 0.005)
    return [best - 10, best, best - 5]


class StandIn:
    """Trains by writing the validations of `curve`, and looks after each if it has to stop."""

    def __init__(self, curve: Curve = flat_curve, metric: str = "bleu") -> None:
        self.curve, self.metric = curve, metric
        self.trained: list[dict[str, Any]] = []
        """params.yaml of each training that was begun."""
        self.validated: dict[str, int] = {}
        """Number of validations by the name of the trial's folder."""

    def __call__(self, folder: Path, slot: Slot, has_to_stop: Callable[[], bool]) -> int:
        params = YAML(typ="safe").load((folder / layout.PARAMS).read_text(encoding="utf-8"))
        self.trained.append(params)
        (folder / layout.MODELS).mkdir(exist_ok=True)
        for number, value in enumerate(self.curve(params), start=1):
            row = {"step": 10 * number, "run_id": "run", f"valid_{self.metric}": value}
            with (folder / layout.VALIDATIONS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            self.validated[folder.name] = number
            if has_to_stop():
                return 1
        return 0
