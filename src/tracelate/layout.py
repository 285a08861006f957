"""Paths of a project's files relative to its root, and the root itself."""

from __future__ import annotations

import os
from pathlib import Path

PARAMS = Path("params.yaml")

CORPORA = Path("corpora")
"""Folder of text of one's own, a dependency of the stage download."""
DATA = Path("data")
RAW = DATA / "raw"
PROVENANCE = RAW / "provenance.json"
PREPARED = DATA / "prepared"
TRAIN, VALID, TEST = (PREPARED / f"{split}.parquet" for split in ("train", "valid", "test"))
TEST_SETS = DATA / "test_sets"
"""Folder of the further test sets, each in a file NAME.parquet."""
TEST_SETS_PROVENANCE = TEST_SETS / PROVENANCE.name
TOKENIZED = DATA / "tokenized"
TOKENIZED_TRAIN, TOKENIZED_VALID = (TOKENIZED / f"{split}.arrow" for split in ("train", "valid"))
TOKENIZER = TOKENIZED / "tokenizer.json"
TRAINING_INPUTS = (TOKENIZED_TRAIN, TOKENIZED_VALID, TOKENIZER)
OLDER_TRAINING_INPUTS = (
    TOKENIZED_TRAIN.with_suffix(".parquet"),
    TOKENIZED_VALID.with_suffix(".parquet"),
    TOKENIZER,
)
"""The same files of a project that was trained by an older version."""

MODELS = Path("models")
RUN = MODELS / "run.json"

REPORTS = Path("reports")
DATA_REPORT = REPORTS / "data.json"
TOKENIZER_REPORT = REPORTS / "tokenize.json"
TEST_SETS_REPORT = REPORTS / "test_sets.json"
TRAINING_REPORT = REPORTS / "train.json"
CURVES = REPORTS / "curves"
TRAIN_CURVE, VALID_CURVE = CURVES / "train.csv", CURVES / "valid.csv"
METRICS = REPORTS / "metrics.json"
SPEED = REPORTS / "evaluate.json"
TRANSLATIONS = REPORTS / "translations.jsonl"
PAGE = REPORTS / "translations.html"
FIGURES = REPORTS / "figures"
LINEAGE = REPORTS / "lineage.json"
EVALUATION_FILES = (LINEAGE, METRICS, SPEED, TRANSLATIONS, PAGE)
"""Files that an evaluation writes, and that its run in MLflow has."""

SCORES = REPORTS / "scores.json"
"""The figures that DVC compares experiments by, which are few enough for a line of a table."""

TEST_RESULTS = REPORTS / "tests"
"""Folder of the evaluations on further test sets, each in a folder NAME."""
TEST_SCORES = TEST_RESULTS / "scores.json"

PACKAGE_SIGNATURE = Path("model.sig")
"""The signature of a packed model, in its folder."""

LOCAL = Path(".tracelate")
DVC_CACHE = LOCAL / "dvc"
"""Folder of DVC's own caches, which have pickled values."""
CHECKPOINTS = LOCAL / "checkpoints"
FINISHED_TRAINING = Path("finished.pt")
"""The result of a training in the folder of its checkpoints, until DVC has its outputs."""
SEARCHES = LOCAL / "searches"
"""Folder of weights that processes search with together, while they do."""
SWEEPS = LOCAL / "sweeps"
"""Folder of the sweeps, each in a folder of its name."""
TRIAL, VALIDATIONS = Path("trial.json"), Path("validations.jsonl")
"""In the folder of a sweep's trial: its note, and its validations so far."""
TRIAL_LOCK = Path("trial.lock")
"""In the same folder: locked by the sweep as long as it works at the trial."""
DATABASE = Path("mlflow.db")
ARTIFACTS = Path("mlartifacts")


def training_inputs(root: Path = Path()) -> tuple[Path, Path, Path]:
    """Returns the paths of the ids of train and valid, and of the tokenizer, as they are there."""
    if (root / TOKENIZED_TRAIN).exists() or not (root / OLDER_TRAINING_INPUTS[0]).exists():
        return TRAINING_INPUTS
    return OLDER_TRAINING_INPUTS


def project_root() -> Path:
    """Returns the folder of the repository, also within a temporary experiment of DVC.

    `dvc exp run --temp` works in another folder, and sets DVC_ROOT to the repository.
    """
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()
