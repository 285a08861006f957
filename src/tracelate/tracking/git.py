"""What git knows of a commit, and a folder with the files that it had."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tracelate.errors import InputError


def commit_subject(commit: str, root: Path = Path()) -> str | None:
    """The first line of the commit's message; None where git does not have it here."""
    done = _git(root, "log", "-1", "--format=%s", "--end-of-options", f"{commit}^{{commit}}")
    return done.stdout.strip() if done is not None and done.returncode == 0 else None


@contextmanager
def worktree(commit: str, folder: Path | None, root: Path = Path()) -> Iterator[Path]:
    """A folder with the commit's files, which is gone when the block ends, however it does.

    With `folder`, which must be new or empty, it stays there, and git forgets that it is one of
    the repository's worktrees.

    Raises InputError where the repository in `root` does not have the commit.
    """
    if commit_subject(commit, root) is None:
        raise InputError(
            f"commit {commit} is not in the git repository of {root.resolve()}: fetch it, or run "
            "this in the clone that trained"
        )
    if folder is not None and folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty: name a new folder")
    with tempfile.TemporaryDirectory(prefix="tracelate-replay-", ignore_cleanup_errors=True) as own:
        place = folder.resolve() if folder is not None else Path(own) / "worktree"
        try:
            done = _git(root, "worktree", "add", "--detach", "--force", str(place), commit)
            if done is None or done.returncode != 0:
                reason = "git is missing" if done is None else done.stderr.strip()
                raise InputError(f"git cannot check {commit} out ({reason}): mend that")
            yield place
        finally:
            if folder is None:
                _git(root, "worktree", "remove", "--force", "--force", str(place))
            else:
                (place / ".git").unlink(missing_ok=True)
            _git(root, "worktree", "prune")


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str] | None:
    """None where git is not installed."""
    try:
        return subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, encoding="utf-8", errors="replace"
        )
    except OSError:
        return None
