"""The result of a finished training, kept until DVC has its outputs.

A training that was stopped after its last step, before its outputs were written or committed, is
not trained again: the same command writes them from here.
"""

from __future__ import annotations

import os
import pickle
import shutil
import time
from pathlib import Path

import torch

from tracelate.files import read_json, whole_file, write_json
from tracelate.layout import FINISHED_TRAINING
from tracelate.training.checkpoints import BEFORE_LAST, BEST, LAST
from tracelate.training.curves import Curves
from tracelate.training.result import TrainingResult

FINISHED, OUTPUT_NOTE = FINISHED_TRAINING.name, "outputs.json"
KEPT_DAYS = 30
"""Days after which a result is removed whose outputs no lock file names, such as that of an
experiment that was deleted."""


def keep_result(folder: Path, result: TrainingResult) -> None:
    """Writes the result to the folder of the checkpoints, and removes these."""
    content = {**result._asdict(), "curves": result.curves.state_dict()}
    with whole_file(folder / FINISHED) as temporary, temporary.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    for name in (LAST, BEFORE_LAST, BEST):
        (folder / name).unlink(missing_ok=True)


def kept_result(folder: Path) -> TrainingResult | None:
    """Returns the result that was kept in the folder; None if there is none, or it is damaged."""
    try:
        content = torch.load(folder / FINISHED, weights_only=True)
        curves = Curves(0)
        curves.load_state_dict(content.pop("curves"))
        return TrainingResult(curves=curves, **content)
    except (OSError, pickle.UnpicklingError, RuntimeError, EOFError):
        return None
    except (LookupError, TypeError, ValueError, AttributeError):
        return None


def note_outputs(folder: Path, weights_md5: str) -> None:
    """Records the weights' MD5 hash, by which DVC's lock file names them."""
    write_json(folder / OUTPUT_NOTE, {"weights_md5": weights_md5})


def remove_committed(checkpoints: Path, lock_file: Path) -> None:
    """Removes each result in the folder `checkpoints` whose outputs DVC's lock file names."""
    locked = lock_file.read_text(encoding="utf-8") if lock_file.is_file() else ""
    for finished in checkpoints.glob(f"*/{FINISHED}"):
        md5 = _noted_md5(finished.with_name(OUTPUT_NOTE))
        age_days = (time.time() - finished.stat().st_mtime) / 86_400
        if (md5 is not None and md5 in locked) or age_days > KEPT_DAYS:
            shutil.rmtree(finished.parent)


def _noted_md5(note: Path) -> str | None:
    try:
        md5 = read_json(note)["weights_md5"]
    except (OSError, ValueError, TypeError, LookupError):
        return None
    return md5 if isinstance(md5, str) and len(md5) == 32 else None
