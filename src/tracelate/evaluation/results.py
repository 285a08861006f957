"""What an evaluation left behind, to hold against another's: its scores and its translations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.evaluation.report import Metrics, TranslationRow, read_translations

METRICS, TRANSLATIONS = layout.METRICS.name, layout.TRANSLATIONS.name


class Evidence(NamedTuple):
    """An evaluation of one system on one test set."""

    name: str
    """What people call it: a run's or a model's name, or a folder."""
    run_id: str | None
    """The MLflow run that it belongs to; None where it was read from files."""
    metrics: Metrics
    rows: Sequence[TranslationRow]
    """The test sentences, in the test set's order."""

    @property
    def signatures(self) -> dict[str, str]:
        """sacrebleu's, of each score by its name."""
        return {score.name: score.signature for score in self.metrics.scores}


def read_evidence(folder: Path, name: str, run_id: str | None = None) -> Evidence:
    """From a folder that holds metrics.json and translations.jsonl.

    Raises InputError, which names the file that is missing or wrong.
    """
    for file in (METRICS, TRANSLATIONS):
        if not (folder / file).is_file():
            raise InputError(f"{folder / file} is missing: evaluate the model (dvc repro)")
    rows = list(read_translations(folder / TRANSLATIONS))
    return Evidence(name, run_id, read_metrics(folder / METRICS), rows)
