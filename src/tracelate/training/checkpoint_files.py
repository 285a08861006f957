"""Checkpoints as Lightning writes them: each file whole, and in a folder that may be moved."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import torch
from lightning_fabric.plugins import TorchCheckpointIO
from pytorch_lightning.callbacks import ModelCheckpoint

from tracelate.files import whole_file
from tracelate.training.checkpoints import BEFORE_LAST, BEST, LAST


class WholeCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside the earlier one and then puts it in its place.

    Lightning's own passes it through memory and the system's temporary folder, from which it is
    copied if that is another disk. The last checkpoint but one is kept as BEFORE_LAST.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        target = Path(path)
        with whole_file(target) as temporary, temporary.open("wb") as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())
            if target.name == LAST:
                _keep(target, target.with_name(BEFORE_LAST))


class MovableCheckpoint(ModelCheckpoint):
    """A ModelCheckpoint whose folder may have been moved when a training is resumed.

    Lightning keeps absolute paths, and forgets the best score if the folder has another name.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(
            {
                **state_dict,
                "dirpath": self.dirpath,
                "best_k_models": {
                    self._here(path): score for path, score in state_dict["best_k_models"].items()
                },
                **{
                    name: self._here(state_dict[name])
                    for name in ("best_model_path", "kth_best_model_path", "last_model_path")
                },
            }
        )

    def _here(self, path: str) -> str:
        return str(Path(self.dirpath or "") / Path(path).name) if path else ""


def best_checkpoint(
    folder: Path, *, monitor: str, mode: Literal["max", "min"]
) -> MovableCheckpoint:
    """Returns the callback that keeps the weights with the best value of `monitor`."""
    return MovableCheckpoint(
        folder, Path(BEST).stem, monitor=monitor, mode=mode, enable_version_counter=False
    )


def _keep(path: Path, kept: Path) -> None:
    """Gives the file a second name, in place of an older file of that name."""
    with suppress(OSError):  # a file system without hard links, or no file yet
        kept.unlink(missing_ok=True)
        os.link(path, kept)
