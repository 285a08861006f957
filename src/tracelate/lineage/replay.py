"""Training a model again from its lineage: from its commit, settings and corpus, with DVC."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from ruamel.yaml import YAML

from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.hashed_names import is_within_project
from tracelate.evaluation.lineage import Lineage
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.evaluation.neural.scores import is_neural
from tracelate.evaluation.report import Metrics
from tracelate.files import sha256_of
from tracelate.git import worktree
from tracelate.lineage.checks import (
    FileCopies,
    HashedFile,
    LineageCheck,
    check_copies,
    corpus_files,
)
from tracelate.lineage.replay_plan import refuse_invalid_lineage
from tracelate.processes import run_to_end

PLACE = "the replay"
REPRODUCE = (sys.executable, "-m", "dvc", "repro", "--force", "--no-run-cache", "--no-commit")
"""Command that runs every stage and takes nothing from a cache."""
NOT_INHERITED = ("MLFLOW_", "DVC_", "GIT_")
"""Beginnings of environment variables that would lead the replay to another store or repository."""


def replay(
    lineage: Lineage,
    metrics: Metrics | None,
    *,
    root: Path = Path(),
    kept: Path | None = None,
    allow_dirty: bool = False,
) -> list[LineageCheck]:
    """Runs the lineage's pipeline in a worktree of the repository in `root`, and compares results.

    The runs are logged to a store in the worktree, and not to the project's. With `kept`, the
    worktree is made in that folder and stays. The output of DVC goes to standard error.

    Raises InputError if the code or the corpus is unknown or missing, if a setting is invalid, or
    if a stage fails.
    """
    training = lineage.training
    if training.commit is None:
        raise InputError(
            f"run {training.run_id} was not trained in a git repository, so its code is unknown: "
            "train the model again in a repository"
        )
    if training.dirty and not allow_dirty:
        raise InputError(
            f"run {training.run_id} was trained from files that differed from commit "
            f"{training.commit}, so its code is unknown: --allow-dirty replays the commit itself"
        )
    refuse_invalid_lineage(lineage)
    with worktree(training.commit, kept, root) as folder:
        _write_params(folder / layout.PARAMS, lineage)
        _copy_corpus(root, folder, lineage)
        _reproduce(folder)
        return [*_check_files(folder, lineage), *_check_scores(folder, metrics)]


def _write_params(path: Path, lineage: Lineage) -> None:
    """Leaves out neural metrics, whose commands are for the machine of the training alone, and
    further test sets, which change no result that is compared.
    """
    evaluate = dict(lineage.params["evaluate"])
    for name in ("neural_metrics", "tests"):
        if name in evaluate:  # older versions do not know them
            evaluate[name] = []
    params = {**lineage.params, "evaluate": evaluate}
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(params, file)


def _copy_corpus(root: Path, folder: Path, lineage: Lineage) -> None:
    """Copies files of the project, which git does not have; the stage finds all others itself.

    DVC's own notes of files in corpora/ are removed: it would ask for those that are not copied.
    """
    for note in (folder / layout.CORPORA).rglob("*.dvc"):
        note.unlink()
    for part in lineage.corpus_parts:
        if part.provenance.in_project:
            _copy_files(corpus_files(root, part), folder)


def _copy_files(files: Iterable[HashedFile], folder: Path) -> None:
    for name, path, sha256 in files:
        if not is_within_project(name):
            continue  # the stage reads it where it is
        copy = folder / name
        if path.is_file() and not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        # the copy is hashed: the file may change meanwhile
        if not copy.is_file() or sha256_of(copy) != sha256:
            raise InputError(
                f"{path} is not the file that was trained on, whose sha256 is {sha256}: restore "
                "that file"
            )


def _reproduce(folder: Path) -> None:
    if (status := run_to_end(REPRODUCE, folder, _environment(folder), sys.stderr)) != 0:
        raise InputError(
            f"dvc repro ended with status {status} in the replay: see its messages above; with "
            "--keep DIR the folder is kept, so that it can be examined"
        )


def _environment(folder: Path) -> dict[str, str]:
    """Returns variables that select the worktree's code, store and caches, and this interpreter.

    The folder of DVC's own cache is made.
    """
    # older commits leave it in a folder that every user of the machine may write
    cache = folder / layout.DVC_CACHE
    (cache / "repo").mkdir(parents=True, exist_ok=True)
    cache.chmod(0o700)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
    if downloads := kept.get("TRACELATE_CACHE"):
        kept["TRACELATE_CACHE"] = str(Path(downloads).resolve())
    return {
        **kept,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]),
        "PYTHONPATH": str(folder / "src"),
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(cache),
    }


def _check_files(folder: Path, lineage: Lineage) -> Iterator[LineageCheck]:
    """Checks files from the corpus to the weights, the order in which a difference spreads."""
    named = {
        **lineage.raw,
        **lineage.prepared,
        **lineage.tokenized,
        **lineage.model,
        layout.TRANSLATIONS.as_posix(): lineage.evaluation[layout.TRANSLATIONS.as_posix()],
    }
    files = [HashedFile(name, folder / name, sha256) for name, sha256 in named.items()]
    return check_copies(FileCopies(PLACE, files, must_exist=True))


def _check_scores(folder: Path, metrics: Metrics | None) -> Iterator[LineageCheck]:
    again = read_metrics(folder / layout.METRICS)
    if metrics is None:
        yield LineageCheck(PLACE, "scores", "not here", "the scores of the run cannot be read")
        return
    computed = [score for score in metrics.scores if not is_neural(score.signature)]
    for score in metrics.scores:
        if is_neural(score.signature):
            reason = "its program is not run in a replay"
            yield LineageCheck(PLACE, score.name, "not here", reason)
    for before, after in zip(computed, again.scores, strict=True):
        reason = f"{before.value:.4f}, now {after.value:.4f}"
        if before == after:
            yield LineageCheck(PLACE, before.name, "same", f"{before.value:.4f}")
        else:
            yield LineageCheck(PLACE, before.name, "differs", reason)
