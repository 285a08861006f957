"""The curves of a training as CSV files."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tracelate.files import whole_file

if TYPE_CHECKING:  # reading a curve needs no Lightning
    from tracelate.training.fit import TrainingResult

KEY_COLUMNS = ("step", "epoch")
TRAIN_COLUMNS = ("train_loss", "learning_rate", "gradient_norm", "tokens_per_s")
"""Loss in nats a token; tokens are target tokens of all processes."""
VALID_COLUMNS = ("valid_bleu", "valid_loss")
"""BLEU in percent; loss in nats a token."""


def write_curves(folder: Path, result: TrainingResult) -> None:
    """Writes train.csv, with a row every few steps, and valid.csv, with a row each validation."""
    _write_csv(folder / "train.csv", (*KEY_COLUMNS, *TRAIN_COLUMNS), result.curves.train)
    _write_csv(folder / "valid.csv", (*KEY_COLUMNS, *VALID_COLUMNS), result.curves.valid)


def read_curve(path: Path) -> list[dict[str, float]]:
    """Returns the rows of a curve, with each value as a number."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {name: float(value) for name, value in row.items() if value}
            for row in csv.DictReader(file)
        ]


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, float]]) -> None:
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
