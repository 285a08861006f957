from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import settings

from tests.tiny_corpus import PROJECT, build_wheel, put_into_cache, tiny_settings, write_params

# before anything imports datasets: tests neither read nor fill the user's caches
_hub_home = tempfile.TemporaryDirectory(prefix="tracelate-tests-")
os.environ["HF_HOME"] = _hub_home.name
os.environ["HF_HUB_OFFLINE"] = "1"

# no deadline: another job on the machine is no failure
settings.register_profile("tracelate", deadline=None)
settings.load_profile("tracelate")


class Project(NamedTuple):
    """A folder with a params.yaml, in which stages run as a user runs them."""

    folder: Path
    wheel: bytes

    @property
    def cached(self) -> Path:
        return self.folder / "cache" / "wheels" / f"{sha256(self.wheel).hexdigest()}.whl"

    def set(self, **settings: Any) -> None:
        """Writes params.yaml anew; `__` stands for the dot between section and key."""
        changes = {name.replace("__", "."): value for name, value in settings.items()}
        write_params(self.folder, tiny_settings(self.wheel, **changes))

    def run(self, *stages: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs stages in turn, up to the first that fails."""
        path = os.pathsep.join([str(PROJECT), str(PROJECT / "src")])
        variables = {
            **os.environ,
            "PYTHONPATH": path,
            "TRACELATE_CACHE": str(self.folder / "cache"),
            **environment,
        }
        for stage in stages:
            done = subprocess.run(
                [sys.executable, "-m", f"pipeline.{stage}"],
                cwd=self.folder,
                env=variables,
                capture_output=True,
                encoding="utf-8",
                timeout=120,
            )
            if done.returncode != 0:
                break
        return done

    def files(self) -> dict[str, str]:
        """What lies under data and reports, with its sha256."""
        return {
            str(path.relative_to(self.folder)): sha256(path.read_bytes()).hexdigest()
            for room in ("data", "reports")
            for path in sorted((self.folder / room).rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project whose cache holds the tiny wheel; its stages need no network."""
    monkeypatch.setenv("TRACELATE_CACHE", str(tmp_path / "cache"))
    made = Project(tmp_path, build_wheel())
    put_into_cache(made.wheel)
    made.set()
    yield made
