"""Checkpoints for resuming a training.

They are outside the outputs of the pipeline, in a folder whose name is a fingerprint of the data,
the settings, the code and the version of torch, so that no other training is resumed from them.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch

from tracelate.config import ModelConfig, TrainConfig
from tracelate.files import sha256_of
from tracelate.metric_table import Metric

LAST = "last"
BEST = "best"


def fingerprint(
    data_files: Iterable[Path],
    model: ModelConfig,
    train: TrainConfig,
    code: Mapping[str, Path],
    metrics: Mapping[str, Metric],
) -> str:
    """Returns a short name of the training with these inputs, in hexadecimal.

    `code` has the code files by module, as `code_files.reached_files` lists them. `metrics` are
    those that may choose the weights.
    """
    identity = {
        "data": [sha256_of(path) for path in data_files],
        "model": model.model_dump(),
        "train": train.model_dump(),
        "code": {module: sha256_of(path) for module, path in code.items()},
        "metrics": {key: dict(metric.options) for key, metric in metrics.items()},
        "torch": torch.__version__,
    }
    text = json.dumps(identity, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def set_aside_damaged(checkpoint_dir: Path) -> Path | None:
    """Renames the folder if a checkpoint in it is damaged, so that the training starts again.

    Returns the folder's new path, or None if no checkpoint is damaged.
    """
    if not any(_is_damaged(path) for path in checkpoint_dir.glob("*.ckpt")):
        return None
    aside = checkpoint_dir.with_name(f"{checkpoint_dir.name}.damaged")
    shutil.rmtree(aside, ignore_errors=True)
    return checkpoint_dir.rename(aside)


def _is_damaged(checkpoint: Path) -> bool:
    """Returns True if a byte of the file has changed, by the checksums of its zip archive."""
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            if archive.testzip() is not None:
                return True
        content = torch.load(checkpoint, weights_only=True)
        return not isinstance(content["global_step"], int) or "state_dict" not in content
    except (zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, EOFError, OSError):
        return True
    except (LookupError, TypeError, ValueError, NotImplementedError, zlib.error):
        return True


def resume_step(checkpoint_dir: Path) -> int:
    """Returns the optimiser step of the last checkpoint; 0 if there is none."""
    checkpoint = checkpoint_dir / f"{LAST}.ckpt"
    if not checkpoint.is_file():
        return 0
    step: int = torch.load(checkpoint, weights_only=True, mmap=True)["global_step"]
    return step
