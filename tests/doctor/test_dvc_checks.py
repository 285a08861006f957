"""DVC's folder of pickled values lies in the project and is nobody else's."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny_corpus import PROJECT
from tracelate.doctor.doctor import fix
from tracelate.doctor.dvc_checks import cache_folder, dvc_problems

SHARED = Path("/var/tmp/dvc/repo")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DVC repository with the project's settings and folder, as a clone has them."""
    monkeypatch.delenv("DVC_SITE_CACHE_DIR", raising=False)
    (tmp_path / ".dvc").mkdir()
    config = (PROJECT / ".dvc/config").read_text(encoding="utf-8")
    (tmp_path / ".dvc/config").write_text(f"{config}    no_scm = true\n")
    inner = tmp_path / ".tracelate/dvc/repo"
    inner.mkdir(parents=True)
    for folder in (inner.parent, inner):
        folder.chmod(0o755)
    return tmp_path


def dvc(folder: Path, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=folder, check=True, capture_output=True
    )


def test_dvc_writes_nothing_to_the_folder_that_all_users_share(repository: Path) -> None:
    (repository / "dvc.yaml").write_text("stages:\n  one:\n    cmd: touch out\n    outs: [out]\n")
    dvc(repository, "repro")
    dvc(repository, "status")
    inner = repository / ".tracelate/dvc/repo"
    [own] = inner.iterdir()
    assert any(own.iterdir())
    for folder in (inner, own):
        assert not folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    # the name depends on the repository alone, so the shared folder would have the same
    assert not (SHARED / own.name).exists()
    assert list(dvc_problems(repository)) == []


def test_both_repositories_of_the_project_have_the_setting_and_its_folder() -> None:
    for folder in (PROJECT, PROJECT / "studies/attention"):
        assert cache_folder(folder) == folder / ".tracelate/dvc"
        assert (folder / ".tracelate/dvc/repo/.gitignore").is_file()


def test_a_repository_without_the_setting_is_named(repository: Path) -> None:
    (repository / ".dvc/config").write_text("[core]\n    analytics = false\n")
    [problem] = dvc_problems(repository)
    assert "all users may write" in problem.what and problem.fix is None
    assert "config core.site_cache_dir .tracelate/dvc" in problem.remedy


@pytest.mark.parametrize("how", ["missing", "outer", "inner"])
def test_a_folder_that_others_may_write_is_named_and_fixed(repository: Path, how: str) -> None:
    folder = repository / ".tracelate/dvc"
    if how == "missing":
        shutil.rmtree(folder)
        dvc(repository, "status")  # DVC itself makes it so
    elif how == "outer":
        folder.chmod(0o777)
    else:
        (folder / "repo").chmod(0o777)
    [problem] = dvc_problems(repository)
    assert "other users of this machine may write" in problem.what
    fix([problem])
    assert list(dvc_problems(repository)) == []
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_local_settings_and_the_environment_come_first(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / ".dvc/config.local").write_text("['remote \"x\"']\n    url = /%x\n")
    assert cache_folder(repository) == repository / ".tracelate/dvc"
    (repository / ".dvc/config.local").write_text("[core]\n    site_cache_dir = /mine\n")
    assert cache_folder(repository) == Path("/mine")
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(repository / "other"))
    assert cache_folder(repository) == repository / "other"


def test_a_folder_without_dvc_has_no_problem(tmp_path: Path) -> None:
    assert list(dvc_problems(tmp_path)) == []
