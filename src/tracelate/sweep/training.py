"""One trial: the stage train in a folder of its own, watched while it runs.

The folder has the settings of the trial and links to the text that is trained and validated on. Of
the test text there is nothing in it. Checkpoints and the run in MLflow are those of the project, as
for any other training.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import torch
from ruamel.yaml import YAML

from tracelate import layout
from tracelate.config import Params, RuntimeConfig
from tracelate.errors import InputError
from tracelate.processes import run_to_end
from tracelate.sweep.folder import SweepFolder, locked
from tracelate.tracking.runs.trials import WATCHED

LOG = "log.txt"
"""File in a trial's folder with the messages of its stages."""
LOG_END_BYTES = 4_000


class FailedTrialError(InputError):
    """A trial has no result; others may have one."""


class Slot(NamedTuple):
    """Place of a trial among those that this process trains at the same time."""

    number: int
    """From 0."""
    slots: int
    gpus: tuple[str, ...] = ()
    """Those that its trials use, as CUDA_VISIBLE_DEVICES names them; empty: all."""


Train = Callable[[Path, Slot, Callable[[], bool]], int]
"""Trains in a trial's folder and returns the exit status. It calls the function often, and ends the
training early if that returns True."""


def make_slots(processes: int, runtime: RuntimeConfig) -> list[Slot]:
    """Returns the places of trials that run at the same time, with the GPUs shared out."""
    gpus = [] if runtime.accelerator == "cpu" else _visible_gpus()
    if processes == 1 or len(gpus) < 2:
        return [Slot(number, processes) for number in range(processes)]
    turns = itertools.cycle(gpus)
    return [
        Slot(number, processes, tuple(dict.fromkeys(itertools.islice(turns, runtime.devices))))
        for number in range(processes)
    ]


def _visible_gpus() -> list[str]:
    count = torch.cuda.device_count()
    named = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return named[:count] or [str(number) for number in range(count)]


def write_folder(folder: Path, params: Params, files: Iterable[Path]) -> None:
    """Writes params.yaml and links to the project's `files`, which are relative to its root."""
    root = layout.project_root()
    for path in files:
        link = folder / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(root / path)
    values: dict[str, Any] = params.model_dump(mode="json")
    with (folder / layout.PARAMS).open("w", encoding="utf-8") as file:
        YAML().dump(values, file)


def train_in(folder: Path, slot: Slot, has_to_stop: Callable[[], bool]) -> int:
    """Runs the stage train, as `Train` describes."""
    return _run_stage("train", folder, slot, has_to_stop)


def tokenized_for(
    sweep: SweepFolder, params: Params, slot: Slot, has_to_stop: Callable[[], bool]
) -> Path | None:
    """Returns a folder with the tokens of these settings, which trials with the same ones share.

    None if it had to stop. Raises FailedTrialError if the stage tokenize fails.
    """
    settings = repr(sorted(params.tokenize.model_dump(mode="json").items()))
    folder = sweep.path / "tokens" / sha256(settings.encode()).hexdigest()[:12]
    with locked(folder.with_suffix(".lock")):
        # written last
        if not (folder / layout.TOKENIZER_REPORT).is_file():
            write_folder(folder, params, (layout.TRAIN, layout.VALID))
            status = _run_stage("tokenize", folder, slot, has_to_stop)
            if status != 0 and has_to_stop():
                return None
            if status != 0:
                raise FailedTrialError(failure(folder, "tokenize", status))
    return folder.resolve()


def link_tokens(folder: Path, tokens: Path) -> None:
    """Links the tokens of `tokenized_for` into a trial's folder."""
    link = folder / layout.TOKENIZED
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(tokens / layout.TOKENIZED)


def failure(folder: Path, stage: str, status: int) -> str:
    """Returns one line about a stage that failed."""
    if status == -signal.SIGKILL:
        return "it was killed, probably because the machine lacks memory"
    log = folder / LOG
    lines = log.read_bytes()[-LOG_END_BYTES:].decode("utf-8", "replace").splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    if errors:
        return errors[-1].removeprefix("error: ")
    return f"the stage {stage} ended with status {status}, see {log}"


def remove_weights(folder: Path) -> None:
    """Removes the model of a trial that is not the best; its settings train it again."""
    shutil.rmtree(folder / layout.MODELS, ignore_errors=True)


def _run_stage(stage: str, folder: Path, slot: Slot, has_to_stop: Callable[[], bool]) -> int:
    command = (sys.executable, "-m", f"pipeline.{stage}")
    with (folder / LOG).open("a", encoding="utf-8") as log:
        return run_to_end(
            command,
            folder,
            dict(_environment(slot)),
            log,
            errors=log,
            has_to_stop=has_to_stop,
        )


def _environment(slot: Slot) -> Iterator[tuple[str, str]]:
    """Yields variables with which a stage runs this code, with the project's store.

    Trials that run at the same time share the processor's cores.
    """
    for name, value in os.environ.items():
        if not name.startswith("DVC_"):
            yield name, value
    root = layout.project_root()
    paths = [str(root), os.environ.get("PYTHONPATH", "")]
    yield "PYTHONPATH", os.pathsep.join(path for path in paths if path)
    yield "DVC_ROOT", str(root)
    yield WATCHED, "1"
    if slot.slots > 1 and "OMP_NUM_THREADS" not in os.environ:
        yield "OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // slot.slots))
    if slot.gpus:
        yield "CUDA_VISIBLE_DEVICES", ",".join(slot.gpus)
