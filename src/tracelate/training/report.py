"""The report of a training, which is written beside its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the report needs no Lightning
    from tracelate.training.fit import TrainingResult


def training_report(result: TrainingResult) -> dict[str, Any]:
    """Returns the content of reports/train.json."""
    best = max(result.curves.valid, key=lambda row: row["valid_bleu"])
    return {
        "best_valid_bleu": best["valid_bleu"],
        "best_step": result.best_step,
        "steps": result.steps,
        "epochs": int(result.curves.valid[-1]["epoch"]),
        "parameter_count": result.parameter_count,
        "tokens_per_s": result.curves.tokens / result.curves.seconds,
        "seconds": result.seconds,
        "resumed_from_step": result.resumed_from_step,
    }
