"""The build of torch that `make setup` installs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.test_dependencies import project_table
from tests.tiny_corpus import PROJECT

CPU_BUILD = "--torch-backend=cpu"
PROGRAMS = ("make", "sh", "cat", "ls")


class Machine:
    """A machine with these programs alone, on which `make setup` is planned and not run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.programs = folder, folder / "bin"
        self.programs.mkdir()
        shutil.copy(PROJECT / "Makefile", folder)
        for name in PROGRAMS:
            found = shutil.which(name)
            assert found is not None
            (self.programs / name).symlink_to(found)
        self.add_program("uname", "echo Linux")

    def add_program(self, name: str, command: str = "") -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
        path.chmod(0o755)

    def plan(self, *variables: str) -> str:
        for name in ("pyproject.toml", "constraints.txt"):
            (self.folder / name).touch()
        devices = f"NVIDIA_DEVICES={self.folder}/dev/nvidia*"
        return subprocess.run(
            ["make", "--dry-run", "setup", devices, *variables],
            cwd=self.folder,
            env={**os.environ, "PATH": str(self.programs), "MAKEFLAGS": ""},
            capture_output=True,
            encoding="utf-8",
            check=True,
        ).stdout


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_a_gpu_the_cpu_build_comes_first_and_another_can_be_chosen(
    machine: Machine,
) -> None:
    plan = machine.plan()
    assert plan.index(CPU_BUILD) < plan.index("--editable")
    assert "2 to 5 GB of CUDA" in plan
    other = machine.plan("TORCH_BACKEND=xpu")
    assert "--torch-backend=xpu" in other and CPU_BUILD not in other
    assert "--torch-backend" not in machine.plan("TORCH_BACKEND=")


def test_with_a_gpu_the_usual_build_is_installed(machine: Machine) -> None:
    machine.add_program("nvidia-smi")
    assert "--torch-backend" not in machine.plan()
    (machine.programs / "nvidia-smi").unlink()
    (machine.folder / "dev").mkdir()
    (machine.folder / "dev/nvidia0").touch()
    assert "--torch-backend" not in machine.plan()


def test_on_a_mac_the_usual_build_is_installed(machine: Machine) -> None:
    machine.add_program("uname", "echo Darwin")
    assert "--torch-backend" not in machine.plan()


def test_ci_runs_each_python_that_is_declared() -> None:
    workflow = YAML(typ="safe").load(PROJECT / ".github/workflows/ci.yml")
    declared = [
        name.rpartition(" :: ")[2]
        for name in project_table()["classifiers"]
        if name.startswith("Programming Language :: Python :: 3.")
    ]
    assert workflow["jobs"]["run"]["strategy"]["matrix"]["python"] == declared
    assert len(declared) == 3
