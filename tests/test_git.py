"""The state of the working tree that a run is tagged with."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.tiny_corpus import PROJECT
from tracelate.git import current_commit


def test_pages_that_dvc_draws_are_no_changes_of_the_code(tmp_path: Path) -> None:
    shutil.copy(PROJECT / ".gitignore", tmp_path)
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.org")
    for command in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-qm", "first")):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    for folder in (tmp_path, tmp_path / "studies/attention"):
        page = folder / "dvc_plots/index.html"  # as `dvc plots diff` writes it
        page.parent.mkdir(parents=True)
        page.touch()
    assert not current_commit(tmp_path).dirty
    (tmp_path / "code.py").touch()
    assert current_commit(tmp_path).dirty
