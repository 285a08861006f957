"""Paths of a project's files, relative to its root, and the root itself."""

from __future__ import annotations

import os
from pathlib import Path

RAW = Path("data/raw")
PROVENANCE = RAW / "provenance.json"
PREPARED = Path("data/prepared")
TRAIN, VALID, TEST = (PREPARED / f"{split}.parquet" for split in ("train", "valid", "test"))
TOKENIZED = Path("data/tokenized")
MODELS = Path("models")
RUN = MODELS / "run.json"
DATA_REPORT = Path("reports/data.json")
TRAINING_REPORT = Path("reports/train.json")
CURVES = Path("reports/curves")
METRICS = Path("reports/metrics.json")
SPEED = Path("reports/evaluate.json")
TRANSLATIONS = Path("reports/translations.jsonl")
PAGE = Path("reports/translations.html")
FIGURES = Path("reports/figures")
LINEAGE = Path("reports/lineage.json")


def project_root() -> Path:
    """Returns the repository's folder, also in a temporary experiment of DVC.

    `dvc exp run --temp` works in another folder, and sets DVC_ROOT to the repository.
    """
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()
