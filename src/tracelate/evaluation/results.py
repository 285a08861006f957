"""Results of an evaluation that can be compared with another one: scores and translations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    """Name in messages: that of a run, a model or a folder."""
    run_id: str | None
    """Id of the MLflow run that it belongs to; None if it was read from local files."""
    metrics: Metrics
    rows: Sequence[TranslationRow]
    """The test sentences, in the test set's order."""
    params: Mapping[str, str] | None = None
    """Settings of the training and the evaluation as text, by their dotted names; None if they are
    not known."""

    @property
    def signatures(self) -> dict[str, str]:
        """Signature of each score, by metric, as sacrebleu writes it."""
        return {score.name: score.signature for score in self.metrics.scores}


def read_evidence(folder: Path, name: str, run_id: str | None = None) -> Evidence:
    """Reads metrics.json and translations.jsonl in `folder`.

    Raises InputError if one of them is missing or damaged.
    """
    for file in (METRICS, TRANSLATIONS):
        if not (folder / file).is_file():
            raise InputError(f"{folder / file} is missing: evaluate the model (dvc repro)")
    rows = list(read_translations(folder / TRANSLATIONS))
    return Evidence(name, run_id, read_metrics(folder / METRICS), rows)
