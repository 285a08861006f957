"""Commits and worktrees of the project's git repository."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tracelate.errors import InputError

COMMIT = r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$"
"""Full name of a commit, which is neither a reference nor an option of git's."""
WITHOUT_PROGRAMS = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
"""Options that keep git from running the repository's hooks and its file monitor.

The filters of the user's own configuration stay, as Git LFS needs them. A commit cannot define any.
"""
WITHOUT_SUBMODULES = ("-c", "submodule.recurse=false")


def commit_subject(commit: str, root: Path = Path()) -> str | None:
    """Returns the first line of the commit's message, or None if git does not have the commit."""
    return _output(root, "log", "-1", "--format=%s", "--end-of-options", f"{commit}^{{commit}}")


def committed_text(path: Path, root: Path = Path()) -> str | None:
    """Returns the file's content in the commit that is checked out; None if it has no such file."""
    return _output(root, "show", f"HEAD:./{path.as_posix()}")


@contextmanager
def worktree(commit: str, kept: Path | None, root: Path = Path()) -> Iterator[Path]:
    """Yields a folder with the commit's files, and removes it when the block ends.

    `commit` is the full name in hexadecimal. Hooks are not run and submodules not checked out.
    `kept` is a new or empty folder for the files, which is then a git worktree and not removed.

    Raises InputError if the repository in `root` lacks the commit or cannot check it out.
    """
    if not re.fullmatch(COMMIT, commit):
        raise InputError(f"{commit!r} is not the full hexadecimal name of a commit: correct it")
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
            options = (*WITHOUT_PROGRAMS, *WITHOUT_SUBMODULES)
            done = _git(root, *options, "worktree", "add", "--detach", str(place), commit)
            if done is None or done.returncode != 0:
                reason = "git is missing" if done is None else done.stderr.strip()
                raise InputError(f"git cannot check out {commit}: fix this error of git: {reason}")
            yield place
        finally:
            if kept is None:
                _git(root, "worktree", "remove", "--force", str(place))


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str] | None:
    """Runs git. Returns None if it is not installed."""
    try:
        return subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, encoding="utf-8", errors="replace"
        )
    except OSError:
        return None


WRITTEN = (
    "dvc.lock",
    "params.yaml",
    "corpora/*.dvc",
    "corpora/.gitignore",
    "docs/attention.md",
    "docs/attention",
)
"""Tracked files that runs, experiments and the study write; changes in them are ignored.

`dvc exp run -S` changes params.yaml, and `dvc add` writes the hashes of own text; each lineage has
all settings and the hashes of the text.
"""


class Commit(NamedTuple):
    """Commit that is checked out, and the state of the working tree."""

    sha: str | None
    """None outside a git repository."""
    dirty: bool
    """True if files other than WRITTEN differ from the commit."""


def current_commit(root: Path = Path()) -> Commit:
    """Returns the commit that is checked out in `root`."""
    sha = _output(root, "rev-parse", "HEAD")
    others = [f":!{path}" for path in WRITTEN]
    return Commit(sha or None, bool(_output(root, "status", "--porcelain", *others)))


def files_of(commit: str, folder: str, root: Path = Path()) -> dict[str, str] | None:
    """Returns the object name of each file below `folder` in the commit, by its path in `folder`.

    `commit` is the full name in hexadecimal. None if git does not have the commit.
    """
    if not re.fullmatch(COMMIT, commit):
        return None
    listed = _output(root, "ls-tree", "-r", "-z", "--full-tree", commit, "--", f"{folder}/")
    if listed is None:
        return None
    entries = (entry.split("\t", maxsplit=1) for entry in listed.split("\0") if entry)
    return {path.removeprefix(f"{folder}/"): start.split()[2] for start, path in entries}


def object_name(path: Path, commit: str) -> str:
    """Returns the name that git gives to the file's content in the repository of that commit."""
    content = path.read_bytes()
    digest = hashlib.sha1 if len(commit) == 40 else hashlib.sha256
    return digest(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def is_ignored(path: Path) -> bool | None:
    """Returns True if git ignores the path, or None outside a git repository."""
    folder = next(above for above in path.absolute().parents if above.is_dir())
    done = _git(folder, "check-ignore", "--quiet", str(path.absolute()))
    return None if done is None or done.returncode not in (0, 1) else done.returncode == 0


def _output(root: Path, *arguments: str) -> str | None:
    """Returns the output of git without surrounding white space, or None if it failed."""
    done = _git(root, *arguments)
    return done.stdout.strip() if done is not None and done.returncode == 0 else None
