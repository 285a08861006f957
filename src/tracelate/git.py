"""What git knows of a commit, and a folder with the files that it had."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tracelate.errors import InputError


def commit_subject(commit: str, root: Path = Path()) -> str | None:
    """The first line of the commit's message; None where git does not have it here."""
    return _output(root, "log", "-1", "--format=%s", "--end-of-options", f"{commit}^{{commit}}")


@contextmanager
def worktree(commit: str, kept: Path | None, root: Path = Path()) -> Iterator[Path]:
    """A folder with the commit's files, which is gone when the block ends, however it does.

    With `kept`, which must be new or empty, it lies and stays there, one of git's worktrees.

    Raises InputError where the repository in `root` does not have the commit.
    """
    if commit_subject(commit, root) is None:
        raise InputError(
            f"commit {commit} is not in the git repository of {root.resolve()}: fetch it, or run "
            "this in the clone that trained"
        )
    if kept is not None and kept.exists() and (not kept.is_dir() or any(kept.iterdir())):
        raise InputError(f"{kept} is not an empty folder: name a new one")
    with tempfile.TemporaryDirectory(prefix="tracelate-", ignore_cleanup_errors=True) as temporary:
        place = Path(temporary) / "worktree" if kept is None else kept.resolve()
        try:
            done = _git(root, "worktree", "add", "--detach", str(place), commit)
            if done is None or done.returncode != 0:
                reason = "git is missing" if done is None else done.stderr.strip()
                raise InputError(f"git cannot check out {commit} ({reason}): mend that")
            yield place
        finally:
            if kept is None:
                _git(root, "worktree", "remove", "--force", str(place))


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str] | None:
    """None where git is not installed."""
    try:
        return subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, encoding="utf-8", errors="replace"
        )
    except OSError:
        return None


WRITTEN = ("dvc.lock", "params.yaml", "docs/attention.md", "docs/attention")
"""Tracked files that runs, experiments and the study write; a difference in them is not counted.

`dvc exp run -S` leaves its settings in params.yaml; every lineage has them whole.
"""


class Commit(NamedTuple):
    """The code as git knows it."""

    sha: str | None
    """None outside a git repository."""
    dirty: bool
    """Whether files differ from the commit, other than WRITTEN."""


def current_commit(root: Path = Path()) -> Commit:
    """The commit that is checked out in `root`, and if the files differ from it."""
    sha = _output(root, "rev-parse", "HEAD")
    others = [f":!{path}" for path in WRITTEN]
    return Commit(sha or None, bool(_output(root, "status", "--porcelain", *others)))


def _output(root: Path, *arguments: str) -> str | None:
    """The command's output without white space around it; None where the command failed."""
    done = _git(root, *arguments)
    return done.stdout.strip() if done is not None and done.returncode == 0 else None
