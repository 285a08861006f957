"""Code of a package that was changed together with its hashes, before it is signed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tracelate import layout
from tracelate.evaluation.lineage import read_lineage
from tracelate.registry.packed_code import INSTALLED, foreign_code
from tracelate.tracking.runs.log_model import pack_model

UNKNOWN = "0" * 40
"""A commit that no repository has."""


@pytest.fixture(scope="module")
def packed(finished_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed") / "model"
    pack_model(folder, read_lineage(finished_project / layout.LINEAGE), finished_project)
    return folder


@pytest.fixture
def package(packed: Path, tmp_path: Path) -> Path:
    """A copy that the test may change."""
    return Path(shutil.copytree(packed, tmp_path / "package"))


def test_the_code_that_is_installed_here_is_known(packed: Path) -> None:
    assert foreign_code(packed, None) is None
    assert foreign_code(packed, UNKNOWN) is None


def _replace(name: str, old: str, new: str) -> Callable[[Path], object]:
    def change(package: Path) -> None:
        text = (package / name).read_text(encoding="utf-8")
        assert old in text
        (package / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def _append(name: str, text: str) -> Callable[[Path], object]:
    def change(package: Path) -> None:
        with (package / name).open("a", encoding="utf-8") as file:
            file.write(text)

    return change


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_append("code/tracelate/errors.py", "import os\n"), "code/tracelate/errors.py is not"),
        (lambda package: (package / "code/tracelate/errors.py").unlink(), "code/tracelate/errors"),
        (lambda package: (package / "code/torch.py").write_text(""), "code/torch.py is not that"),
        (_append("pyfunc_model.py", "import os\n"), "pyfunc_model.py is none of the packed code"),
        (_append("served_model.py", "import os\n"), "served_model.py is none of the packed code"),
        (_replace("MLmodel", "loaders.code_model", "loaders.other"), "MLmodel has loader_module"),
        (_replace("MLmodel", "code: code", "code: artifacts"), "MLmodel has code 'artifacts'"),
        (
            _replace("MLmodel", "uri: config.json", "uri: https://example.org/config.json"),
            "MLmodel has artifacts",
        ),
        (
            _replace("MLmodel", "model_code_path: pyfunc", "model_code_path: other"),
            "MLmodel has model_code_path 'other_model.py'",
        ),
        (_replace("MLmodel", "flavors:", "flavors:\n  sklearn: {}"), "MLmodel has other flavors"),
        (_append("MLmodel", "flavors: {}\n"), "MLmodel"),
        (_append("requirements.txt", "\nother==1.0\n"), "requirements.txt has 'other==1.0'"),
        (_append("requirements.txt", "\n--index-url=x==1\n"), "requirements.txt has '--index-url"),
        (_append("requirements.txt", "\n-r other.txt\n"), "requirements.txt has '-r other.txt'"),
        (
            _replace("python_env.yaml", "- -r requirements.txt", "- -r other.txt"),
            "python_env.yaml has '-r other.txt'",
        ),
        (
            _replace("python_env.yaml", "- wheel", "- wheel @ https://example.org/wheel.zip"),
            "python_env.yaml has 'wheel @",
        ),
        (_replace("conda.yaml", "conda-forge", "other"), "conda.yaml has 'other'"),
        (_replace("conda.yaml", "- pip:", "- pip:\n  - evil==1"), "conda.yaml has 'evil==1'"),
    ],
)
def test_every_changed_part_is_named(
    package: Path, change: Callable[[Path], object], named: str
) -> None:
    change(package)
    found = foreign_code(package, UNKNOWN)
    assert found is not None
    assert named in found


def test_the_code_of_the_trainings_commit_is_known(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "repository"
    sources = repository / "src" / INSTALLED.name
    shutil.copytree(INSTALLED, sources, ignore=shutil.ignore_patterns("__pycache__"))
    older = "# as it was\n"
    (sources / "errors.py").write_text(older, encoding="utf-8")

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=repository, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "older")
    commit = git("rev-parse", "HEAD")
    monkeypatch.chdir(repository)
    (package / "code/tracelate/errors.py").write_text(older, encoding="utf-8")
    assert foreign_code(package, commit) is None
    assert "errors.py is not that of" in str(foreign_code(package, UNKNOWN))
    assert "errors.py is not that of" in str(foreign_code(package, None))
    # a mixture of two versions is neither
    (package / "code/tracelate/files.py").write_text("", encoding="utf-8")
    assert "errors.py is not that of" in str(foreign_code(package, commit))
