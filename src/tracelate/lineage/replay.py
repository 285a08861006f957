"""Making a model again from its lineage: its commit, its settings, its corpus, and DVC."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML

from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.evaluation.report import Metrics
from tracelate.files import sha256_of
from tracelate.git import worktree
from tracelate.lineage.checks import Check, Copy, HashedFile, check_copy, corpus_copy

PLACE = "the replay"
REPRODUCE = (sys.executable, "-m", "dvc", "repro", "--force", "--no-run-cache", "--no-commit")
"""Every stage runs: nothing is taken from a cache."""
INHERITED = ("MLFLOW_", "DVC_", "GIT_")
"""What variables begin with that would lead the replay to another store or repository."""
STOPPING_S = 20


def replay(
    lineage: Lineage,
    metrics: Metrics | None,
    *,
    root: Path = Path(),
    kept: Path | None = None,
    allow_dirty: bool = False,
) -> list[Check]:
    """Runs the lineage's pipeline in a worktree of the repository in `root`, and compares.

    MLflow gets nothing of it: the runs go to a store in the worktree. With `kept`, the worktree
    stays in that folder. What DVC says goes to standard error.

    Raises InputError where the code or the corpus is not known or not here, or a stage fails.
    """
    training = lineage.training
    if training.commit is None:
        raise InputError(
            f"run {training.run_id} was not trained in a git repository: its code is not known"
        )
    if training.dirty and not allow_dirty:
        raise InputError(
            f"run {training.run_id} was trained from files that differed from commit "
            f"{training.commit}: its code is not known; --allow-dirty replays the commit itself"
        )
    with worktree(training.commit, kept, root) as folder:
        _write_params(folder / layout.PARAMS, lineage)
        _copy_corpus(root, folder, lineage)
        _reproduce(folder)
        return [*_check_files(folder, lineage), *_check_scores(folder, metrics)]


def _write_params(path: Path, lineage: Lineage) -> None:
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(lineage.params, file)


def _copy_corpus(root: Path, folder: Path, lineage: Lineage) -> None:
    """Text files, which are not in git. A wheel comes from the cache, as for any download."""
    if lineage.provenance["corpus"] != "files":
        return
    for name, path, sha256 in corpus_copy(root, lineage).files:
        if not path.is_file() or sha256_of(path) != sha256:
            raise InputError(
                f"{path} is not the file that was trained on, whose sha256 is {sha256}: put that "
                "there"
            )
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)


def _reproduce(folder: Path) -> None:
    # a session of its own: when we are stopped, so are DVC and its stages
    process = subprocess.Popen(
        REPRODUCE, cwd=folder, env=_environment(folder), stdout=sys.stderr, start_new_session=True
    )
    try:
        status = process.wait()
    except BaseException:
        _stop(process)
        raise
    if status != 0:
        raise InputError(
            f"dvc repro ended with status {status} in the replay: mend what it says above; "
            "--keep DIR keeps the folder to look into"
        )


def _environment(folder: Path) -> dict[str, str]:
    """The worktree's own code, repository and store; this interpreter, and the user's caches."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(INHERITED)}
    if cache := kept.get("TRACELATE_CACHE"):
        kept["TRACELATE_CACHE"] = str(Path(cache).resolve())
    return {
        **kept,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]),
        "PYTHONPATH": str(folder / "src"),
        "DVC_NO_ANALYTICS": "1",
    }


def _stop(process: subprocess.Popen[bytes]) -> None:
    for sent in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sent)
            process.wait(timeout=STOPPING_S)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _check_files(folder: Path, lineage: Lineage) -> Iterator[Check]:
    """From the corpus to the weights, the order in which a difference spreads."""
    named = {
        **lineage.raw,
        **lineage.prepared,
        **lineage.tokenized,
        **lineage.model,
        layout.TRANSLATIONS.as_posix(): lineage.evaluation[layout.TRANSLATIONS.as_posix()],
    }
    files = [HashedFile(name, folder / name, sha256) for name, sha256 in named.items()]
    return check_copy(Copy(PLACE, files, is_kept=True))


def _check_scores(folder: Path, metrics: Metrics | None) -> Iterator[Check]:
    again = read_metrics(folder / layout.METRICS)
    if metrics is None:
        yield Check(PLACE, "scores", "not here", "those of the run are not within reach")
        return
    for before, after in zip(metrics.scores, again.scores, strict=True):
        reason = f"{before.value:.4f}, now {after.value:.4f}"
        if before == after:
            yield Check(PLACE, before.name, "same", f"{before.value:.4f}")
        else:
            yield Check(PLACE, before.name, "differs", reason)
