"""A debug run of the user's settings: all stages on a small share of the corpus, in a folder apart.

The data is shortened between the stages, and the stages are those of the pipeline: unlike
Lightning's `fast_dev_run`, the run also writes checkpoints, reports and a packed model.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from ruamel.yaml import YAML

from tracelate import layout
from tracelate.config import Params, load_params
from tracelate.corpus.tokenized_file import TokenizedSplit, read_tokenized
from tracelate.errors import InputError
from tracelate.processes import run_to_end
from tracelate.smoke.share import shorten_raw, shorten_tests, shorten_training
from tracelate.training.corpus_size import size_warnings
from tracelate.training.report import read_training_report

FOLDER = layout.LOCAL / "smoke"
MAX_RAW_PAIRS = 100_000
"""Pairs of a split that are cleaned and tokenised."""
BATCHES, EPOCHS = 10, 2
VALID_SENTENCES, TEST_SENTENCES = 64, 64
AVERAGE_DECAY = 0.75
"""Of the weights of four steps, since the training has twenty."""
SMALLER = {
    "bootstrap_samples": 20,
    "heat_maps": 1,
}
"""Settings of `evaluate` that are lowered to save time."""
VARIANT_SENTENCES = 4

NOT_LINKED = {layout.DATA, layout.MODELS, layout.REPORTS, layout.PARAMS, layout.LOCAL}
NOT_LINKED |= {layout.DATABASE, layout.ARTIFACTS}
NOT_LINKED |= {Path(name) for name in (".git", ".dvc", "dvc.yaml", "dvc.lock")}
"""Entries of the project that the run has of its own, or must not find."""
NOT_INHERITED = ("MLFLOW_", "DVC_")
"""Beginnings of environment variables that would lead the run to the project's store."""


class SmokeReport(NamedTuple):
    """A debug run that came to its end."""

    folder: Path
    seconds: float
    ram_bytes: int
    """Most RAM that a stage took."""
    epochs: int
    """Most epochs of the whole training."""
    training_s: float
    """Expected duration of these epochs without validation, in seconds."""


def smoke(
    warn: Callable[[str], None], root: Path = Path(), output: IO[str] | None = None
) -> SmokeReport:
    """Runs every stage with the settings of the project in `root`, and changes nothing in it.

    Settings that do not fit the size of the corpus are passed to `warn`, a line each. The messages
    of the stages go to this process's own streams, and their standard output to `output` if given.

    Raises InputError if a setting is invalid or a stage fails.
    """
    began_s = time.perf_counter()
    params = load_params(root / layout.PARAMS)
    root, folder = root.resolve(), (root / FOLDER).resolve()
    _make_folder(root, folder)
    _write_params(folder, _values(root, params))
    _run_stage("download", root, folder, output)
    shorten_raw(folder, MAX_RAW_PAIRS)
    for stage in ("prepare", "test_sets", "tokenize"):
        _run_stage(stage, root, folder, output)
    train = read_tokenized(folder / layout.TOKENIZED_TRAIN)
    for line in size_warnings(params.train, train):
        warn(line)
    shorten_training(folder, params.train, BATCHES, VALID_SENTENCES)
    shorten_tests(folder, params.evaluate.tests, TEST_SENTENCES)
    _write_params(folder, _short_training(_values(root, params)))
    _run_stage("train", root, folder, output)
    _run_stage("evaluate", root, folder, output)
    report = read_training_report(folder / layout.TRAINING_REPORT)
    return SmokeReport(
        folder,
        seconds=time.perf_counter() - began_s,
        ram_bytes=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
        epochs=params.train.epochs,
        training_s=params.train.epochs * _target_tokens(train) / report.tokens_per_s,
    )


def _target_tokens(pairs: TokenizedSplit) -> int:
    return len(pairs) + sum(shard.targets.id_count for shard in pairs.shards())


def _make_folder(root: Path, folder: Path) -> None:
    """Makes the folder empty, with links to the project's text, code and other inputs."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for entry in root.iterdir():
        if Path(entry.name) not in NOT_LINKED:
            (folder / entry.name).symlink_to(entry)


def _values(root: Path, params: Params) -> dict[str, Any]:
    """Returns the settings; paths of test sets that leave the project are made absolute."""
    values = params.model_dump(mode="json")
    for test in values["evaluate"]["tests"]:
        if (files := test.get("files")) is not None:
            files["source"] = _from(root, files["source"])
            files["references"] = [_from(root, name) for name in files["references"]]
    return values


def _from(root: Path, name: str) -> str:
    return str(root / name) if ".." in Path(name).parts else name


def _short_training(values: dict[str, Any]) -> dict[str, Any]:
    """Returns the settings for a training of a few steps.

    The learning rate rises as steeply as in the whole training, so that it diverges only if that
    would.
    """
    train, evaluate = values["train"], values["evaluate"]
    warmup = min(train["warmup_steps"], BATCHES * EPOCHS // 4)
    if warmup:
        train["learning_rate"] *= warmup / train["warmup_steps"]
    train["warmup_steps"] = warmup
    train["epochs"] = min(train["epochs"], EPOCHS)
    train["weight_average_decay"] = min(train["weight_average_decay"], AVERAGE_DECAY)
    train["log_every_steps"] = min(train["log_every_steps"], BATCHES // 2)
    for name, value in SMALLER.items():
        evaluate[name] = min(evaluate[name], value)
    behaviour = evaluate["behaviour"]
    behaviour["variant_sentences"] = min(behaviour["variant_sentences"], VARIANT_SENTENCES)
    return values


def _write_params(folder: Path, values: dict[str, Any]) -> None:
    with (folder / layout.PARAMS).open("w", encoding="utf-8") as file:
        YAML().dump(values, file)


def _run_stage(stage: str, root: Path, folder: Path, output: IO[str] | None) -> None:
    command = (sys.executable, "-m", f"pipeline.{stage}")
    status = run_to_end(command, folder, dict(_environment(root, folder)), output)
    if status == -signal.SIGKILL:
        raise InputError(
            f"the stage {stage} was killed, probably because the machine lacks memory: lower "
            "train.batch_tokens, evaluate.batch_sentences or the sizes of the section model"
        )
    if status != 0:
        raise InputError(
            f"the stage {stage} failed with status {status}: see its message above; no model, "
            "report or run of the project was touched"
        )


def _environment(root: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Yields variables with which a stage runs this code in the folder, with a store there."""
    for name, value in os.environ.items():
        if not name.startswith(NOT_INHERITED):
            yield name, value
    paths = [str(root), os.environ.get("PYTHONPATH", "")]
    yield "PYTHONPATH", os.pathsep.join(path for path in paths if path)
    yield "DVC_ROOT", str(folder)
    if downloads := os.environ.get("TRACELATE_CACHE"):
        yield "TRACELATE_CACHE", str(Path(downloads).resolve())
