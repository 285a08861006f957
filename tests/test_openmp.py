"""OpenMP's settings are there before torch is loaded, and a user's own stay."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tiny_corpus import PROJECT
from tracelate.openmp import SPIN_COUNT, THREADS, WAITING, allowed_threads, others_run

SHOW = """
import os, sys

class AtTorch:
    \"\"\"Keeps the settings that were there when torch was first looked for.\"\"\"

    found = None

    def find_spec(self, name, path=None, target=None):
        if name == "torch" and AtTorch.found is None:
            AtTorch.found = [os.environ.get(one) for one in ("GOMP_SPINCOUNT", "OMP_NUM_THREADS")]

sys.meta_path.insert(0, AtTorch())
import {module}, torch
print(*AtTorch.found)
"""


@pytest.fixture(scope="module")
def busy() -> Iterator[None]:
    """Another process that computes."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    yield
    process.kill()
    process.wait()


def settings_after(module: str, **variables: str) -> list[str]:
    """Returns the spin count and the number of threads as torch found them."""
    names = (*WAITING, *THREADS)
    kept = {name: value for name, value in os.environ.items() if name not in names}
    path = os.pathsep.join([str(PROJECT), str(PROJECT / "src")])
    done = subprocess.run(
        [sys.executable, "-c", SHOW.format(module=module)],
        cwd=PROJECT,
        env={**kept, "PYTHONPATH": path, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    "module",
    [
        "tracelate.cli.main",
        "tracelate.model.search",
        "tracelate.serving.server",
        # as MLflow's own server loads a packed model
        "mlflow.pyfunc, tracelate.tracking.packages.packed_translator",
        "pipeline.train",
        "pipeline.evaluate",
        "studies.attention.speed",
        "benchmarks.attention_speed",
    ],
)
def test_every_entry_point_has_the_settings(busy: None, module: str) -> None:
    assert settings_after(module)[0] == str(SPIN_COUNT)


def test_libgomp_reads_the_settings(busy: None) -> None:
    path = os.pathsep.join([str(PROJECT), str(PROJECT / "src")])
    kept = {name: value for name, value in os.environ.items() if name not in (*WAITING, *THREADS)}
    done = subprocess.run(
        [sys.executable, "-c", "import tracelate.model.search"],
        cwd=PROJECT,
        # libgomp then prints what it has read, as soon as it is loaded
        env={**kept, "PYTHONPATH": path, "OMP_DISPLAY_ENV": "verbose"},
        capture_output=True,
        text=True,
    )
    assert f"GOMP_SPINCOUNT = '{SPIN_COUNT}'" in done.stderr


@pytest.mark.parametrize("name", WAITING)
def test_the_users_own_way_of_waiting_stays(name: str) -> None:
    found = settings_after("tracelate.model.search", **{name: "7"})
    assert found[0] == ("7" if name == "GOMP_SPINCOUNT" else "None")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.00 0.01 0.05 1/300 77\n", False), ("0.00 0.01 0.05 2/300 77\n", True), ("rubbish", False)],
)
def test_others_run_if_a_thread_does_besides_this_one(
    tmp_path: Path, text: str, expected: bool
) -> None:
    load = tmp_path / "loadavg"
    load.write_text(text, encoding="ascii")
    assert others_run(load) is expected
    assert not others_run(tmp_path / "missing")


def test_the_users_own_number_of_threads_stays(busy: None) -> None:
    found = settings_after("tracelate.model.search", OMP_NUM_THREADS="7")
    assert found == [str(SPIN_COUNT), "7"]


def group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n", encoding="utf-8")


def threads(tmp_path: Path, membership: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    (tmp_path / "membership").write_text(membership, encoding="utf-8")
    return allowed_threads(tmp_path / "groups", tmp_path / "membership")


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("max 100000", 16), ("400000 100000", 4), ("150000 100000", 2), ("50000 100000", 1)],
)
def test_the_quota_of_version_2_is_rounded_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, expected: int
) -> None:
    group(tmp_path / "groups" / "pod", cpu__max=limit)
    assert threads(tmp_path, "0::/pod\n", monkeypatch) == expected


def test_the_quota_of_a_group_around_holds_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group(tmp_path / "groups" / "pod", cpu__max="300000 100000")
    group(tmp_path / "groups" / "pod" / "inner", cpu__max="max 100000")
    assert threads(tmp_path, "0::/pod/inner\n", monkeypatch) == 3


def test_the_quota_of_version_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quota = {"cpu__cfs_quota_us": "250000", "cpu__cfs_period_us": "100000"}
    # as in a container: the path is the host's, and the mount is the container's own group
    group(tmp_path / "groups" / "cpu,cpuacct", **quota)
    assert threads(tmp_path, "4:cpu,cpuacct:/docker/0a1b\n0::/\n", monkeypatch) == 3
    group(tmp_path / "groups" / "cpu,cpuacct", cpu__cfs_quota_us="-1")
    assert threads(tmp_path, "4:cpu,cpuacct:/docker/0a1b\n", monkeypatch) == 16


@pytest.mark.parametrize("membership", ["", "0::/\n", "3:cpuset:/\n1:cpu:/\n"])
def test_without_a_quota_there_is_a_thread_for_each_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, membership: str
) -> None:
    assert threads(tmp_path, membership, monkeypatch) == 16
