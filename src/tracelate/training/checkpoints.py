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

LAST, BEFORE_LAST, BEST = "last.ckpt", "before_last.ckpt", "best.ckpt"
DAMAGED = ".damaged"
"""End of the name of a folder that was set aside."""


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


def recover_checkpoints(folder: Path) -> str | None:
    """Makes `folder` fit to resume from; returns what was damaged and what was done, or None.

    A damaged last checkpoint is replaced by the one before it. Where that cannot be, the folder is
    renamed, so that the training starts again.
    """
    last, before, best = (folder / name for name in (LAST, BEFORE_LAST, BEST))
    best_is_sound = not best.exists() or not _is_damaged(best)
    if not last.exists() and not before.exists() and best_is_sound:
        return None
    if best.exists() and best_is_sound:
        if last.exists() and not _is_damaged(last):
            return None
        if before.exists() and not _is_damaged(before):
            before.replace(last)
            return (
                f"the last checkpoint in {folder} was damaged: training resumes from the one before"
            )
    aside = folder.with_name(f"{folder.name}{DAMAGED}")
    shutil.rmtree(aside, ignore_errors=True)
    folder.rename(aside)
    return (
        f"a checkpoint in {folder} was damaged or missing: training starts again, and {aside} has "
        "the old folder, which you may delete"
    )


def _is_damaged(checkpoint: Path) -> bool:
    """Returns True if a byte of the file has changed, by the checksums of its zip archive."""
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            # No checksum has these: torch writes plain files without compression, and gives one
            # that is said to be a folder whatever the memory holds.
            for entry in archive.infolist():
                if entry.compress_type != zipfile.ZIP_STORED or entry.external_attr != 0:
                    return True
            if archive.testzip() is not None:
                return True
        content = torch.load(checkpoint, weights_only=True)
        return not isinstance(content["global_step"], int) or "state_dict" not in content
    except (zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, EOFError, OSError):
        return True
    except (LookupError, TypeError, ValueError, NotImplementedError, zlib.error):
        return True


def resume_step(folder: Path) -> int:
    """Returns the optimiser step of the last checkpoint; 0 if there is none."""
    checkpoint = folder / LAST
    if not checkpoint.is_file():
        return 0
    step: int = torch.load(checkpoint, weights_only=True, mmap=True)["global_step"]
    return step
