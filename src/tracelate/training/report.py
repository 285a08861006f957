"""The report of a training, which is written beside its weights."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import field_validator

from tracelate.file_format import FileFormat, Name, PartForm, Whole

if TYPE_CHECKING:  # the report needs no Lightning
    from tracelate.training.result import TrainingResult


class TrainingReport(PartForm):
    """Content of reports/train.json, as far as it is read."""

    best_valid_bleu: float
    """Validation BLEU of the weights that were kept, in percent."""
    monitor: str = "bleu"
    """Value of the validation that chose them."""
    best_step: Whole
    steps: Whole
    epochs: Whole
    parameter_count: Whole
    precision: Name | None = None
    """Number format of the matrix products; None in a report from before it was recorded."""
    tokens_per_s: float
    seconds: float
    skipped_batches: Whole = 0
    """Batches without a finite loss and gradient."""
    finished: str | None = None
    """Time at which the outputs were written (ISO 8601, UTC); None in older files."""

    @field_validator("finished")
    @classmethod
    def _refuse_other_times(cls, time: str | None) -> str | None:
        if time is not None:
            datetime.fromisoformat(time)
        return time


REPORT_FORMAT = FileFormat("train.json", TrainingReport, [], "train the model again (dvc repro)")


def read_training_report(path: Path) -> TrainingReport:
    """Raises InputError if the file is missing or damaged."""
    return REPORT_FORMAT.read(path)


def training_report(result: TrainingResult) -> dict[str, Any]:
    """Returns the content of reports/train.json, which is to be written now."""
    best = next(row for row in result.curves.valid if row["step"] == result.best_step)
    return {
        "monitor": result.monitor,
        **{f"best_{name}": best[name] for name in ("valid_bleu", f"valid_{result.monitor}")},
        "best_step": result.best_step,
        "steps": result.steps,
        "epochs": int(result.curves.valid[-1]["epoch"]),
        "parameter_count": result.parameter_count,
        "precision": result.precision,
        "tokens_per_s": result.curves.tokens / result.curves.seconds,
        "seconds": result.seconds,
        "resumed_from_step": result.resumed_from_step,
        "skipped_batches": result.skipped_batches,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
