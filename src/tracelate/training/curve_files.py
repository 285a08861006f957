"""The curves of a training as CSV files."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tracelate.errors import InputError
from tracelate.files import whole_file

if TYPE_CHECKING:  # reading a curve needs no Lightning
    from tracelate.training.result import TrainingResult

KEY_COLUMNS = ("step", "epoch")
TRAIN_COLUMNS = ("train_loss", "learning_rate", "gradient_norm", "tokens_per_s", "skipped_batches")
"""Loss in nats a token; tokens are target tokens of all processes; skipped batches are those so
far, and are there only from the first of them on."""
VALID_COLUMNS = ("valid_bleu", "valid_chrf", "valid_loss")
"""BLEU and chrF in percent, loss in nats a token. chrF is there only if it chooses the weights."""

SHOWN_CHARACTERS = 200


def write_curves(folder: Path, result: TrainingResult) -> None:
    """Writes train.csv, with a row every few steps, and valid.csv, with a row each validation."""
    _write_csv(folder / "train.csv", TRAIN_COLUMNS, result.curves.train)
    _write_csv(folder / "valid.csv", VALID_COLUMNS, result.curves.valid)


def read_curve(path: Path) -> list[dict[str, float]]:
    """Returns the rows of a curve, with each value as a number.

    Raises InputError if the file is missing or damaged.
    """
    columns = (*KEY_COLUMNS, *TRAIN_COLUMNS, *VALID_COLUMNS)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            known = [name for name in reader.fieldnames or () if name in columns]
            return [_numbers(row, known) for row in reader]
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: train the model again (dvc repro)") from error
    except (OSError, ValueError, TypeError, csv.Error) as error:
        reason = str(error)[:SHOWN_CHARACTERS]
        raise InputError(
            f"{path} is damaged ({reason}): train the model again (dvc repro)"
        ) from error


def _numbers(row: Mapping[str, str], columns: Sequence[str]) -> dict[str, float]:
    numbers = {name: float(row[name]) for name in columns if row[name]}
    for name in KEY_COLUMNS:
        if not 0 <= numbers.get(name, -1) < 2**53 or not numbers[name].is_integer():
            raise ValueError(f"a row has no whole number as its {name}")
    if not all(map(math.isfinite, numbers.values())):
        raise ValueError(f"the row of step {numbers['step']:g} has a value that is not finite")
    return numbers


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, float]]) -> None:
    """Writes the columns that have a value."""
    measured = [name for name in columns if any(name in row for row in rows)]
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, (*KEY_COLUMNS, *measured), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
