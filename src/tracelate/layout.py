"""Where a project keeps its files, relative to its root."""

from __future__ import annotations

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
