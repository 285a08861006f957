from __future__ import annotations

import inspect
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import settings

from tests.preloaded import python
from tests.tiny_corpus import PROJECT, build_wheel, put_into_cache, tiny_settings, write_params
from tracelate.cli.ui import NO_JOBS

# before anything imports datasets: tests neither read nor fill the user's caches
_hub_home = tempfile.TemporaryDirectory(prefix="tracelate-tests-")
os.environ["HF_HOME"] = _hub_home.name
os.environ["HF_HUB_OFFLINE"] = "1"
# before anything imports torch: tests run in parallel, and torch's waiting threads use the CPU
os.environ["OMP_NUM_THREADS"] = "1"

# no deadline: a test must not fail because the machine is busy
settings.register_profile("tracelate", deadline=None)
settings.load_profile("tracelate")


SLOW_FIRST = (
    "test_pipeline.py",
    "test_promotion.py",
    "test_sync.py",
    "test_further_sets.py",
    "test_registry_walk.py",
    "test_own_text.py",
    "test_damaged_files.py",
    "test_attention_learns.py",
    "test_attention_study.py",
    "test_lineage.py",
    "test_fit.py",
)
"""Files that take a minute or more. They run first, to keep all processes busy until the end."""

SYSTEM_FOLDERS = {"contributing", "faults", "formats", "fuzz", "pipeline", "system"}
SYSTEM_FIXTURES = {
    "browser",
    "empty_database",
    "finished_project",
    "mlflow_server",
    "repository",
    "store",
}
"""Fixtures that train a model, start a program or a server, or make an MLflow database."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    slow = {name: place for place, name in enumerate(SLOW_FIRST)}
    items.sort(key=lambda item: slow.get(item.path.name, len(slow)))
    for item in items:
        item.add_marker("system" if _is_system_test(item) else "unit")


def _is_system_test(item: pytest.Item) -> bool:
    assert isinstance(item, pytest.Function)
    folders = item.path.relative_to(PROJECT / "tests").parts
    return (
        not SYSTEM_FOLDERS.isdisjoint(folders)
        or not SYSTEM_FIXTURES.isdisjoint(item.fixturenames)
        or _starts_a_program(item)
    )


def _starts_a_program(item: pytest.Function) -> bool:
    """True if the test, or a function of its file that it calls, names subprocess."""
    calls, seen = [inspect.unwrap(item.function)], set()
    while calls:
        function = calls.pop()
        if not inspect.isfunction(function) or function in seen:
            continue
        seen.add(function)
        names = inspect.getclosurevars(function).globals
        if names.get("subprocess") is subprocess:
            return True
        calls += [
            value
            for value in names.values()
            if getattr(value, "__module__", None) == item.module.__name__
        ]
    return False


class Project(NamedTuple):
    """A folder with a params.yaml, in which stages run as for a user."""

    folder: Path
    wheel: bytes

    @property
    def cached(self) -> Path:
        return self.folder / "cache" / "wheels" / f"{sha256(self.wheel).hexdigest()}.whl"

    def set(self, **settings: Any) -> None:
        """Writes params.yaml; `__` in a name is the dot between section and key."""
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
                [python(), "-m", f"pipeline.{stage}"],
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
        """Returns the sha256 of each file under data and reports."""
        return {
            str(path.relative_to(self.folder)): sha256(path.read_bytes()).hexdigest()
            for output in ("data", "reports")
            for path in sorted((self.folder / output).rglob("*"))
            if path.is_file()
        }


@pytest.fixture(scope="session")
def finished_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all stages but test_sets have run, with its own MLflow store.

    All tests share it: copy a file before changing it.
    """
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACELATE_CACHE", str(folder / "cache"))
        made = Project(folder, build_wheel())
        put_into_cache(made.wheel)
        made.set()
    stages = ("download", "prepare", "tokenize", "train", "evaluate")
    script = "".join(f"from pipeline.{name} import main; main()\n" for name in stages)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "src")]),
        "TRACELATE_CACHE": str(folder / "cache"),
    }
    environment.pop("MLFLOW_TRACKING_URI", None)
    environment.pop("DVC_ROOT", None)
    done = subprocess.run(
        [python(), "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    # the tiny corpus is small, of which prepare and train warn
    small = ("warning: only ", "warning: train.weight_average_decay 0.99 ")
    others = [one for one in done.stderr.splitlines() if not one.startswith(small)]
    assert others == []
    return folder


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without runs, to copy, because creating its tables takes seconds."""
    from tracelate.tracking.store.store import connect

    folder = tmp_path_factory.mktemp("database")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setenv("DVC_ROOT", str(folder))
        connect()
    return folder / "mlflow.db"


@pytest.fixture(scope="session")
def mlflow_server(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an MLflow server on this machine, with a store of its own."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copyfile(empty_database, folder / "mlflow.db")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", str(port), "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    with (folder / "log").open("w", encoding="utf-8") as log:
        server = subprocess.Popen(
            command, env={**NO_JOBS, **os.environ}, stdout=log, stderr=log, start_new_session=True
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/health", server, folder / "log")
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


@pytest.fixture
def empty_server(mlflow_server: str) -> str:
    """The server after runs and models of other tests were deleted."""
    from mlflow import MlflowClient

    client = MlflowClient(mlflow_server)
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    for run in client.search_runs(ids):
        client.delete_run(run.info.run_id)
    for model in client.search_logged_models(ids):
        client.delete_logged_model(model.model_id)
    return mlflow_server


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        if server.poll() is None:
            with suppress(OSError), urllib.request.urlopen(address, timeout=5):
                return
            time.sleep(0.5)
    raise AssertionError(f"{address} does not answer:\n{log.read_text(encoding='utf-8')}")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project whose cache holds the tiny wheel; its stages need no network."""
    monkeypatch.setenv("TRACELATE_CACHE", str(tmp_path / "cache"))
    made = Project(tmp_path, build_wheel())
    put_into_cache(made.wheel)
    made.set()
    yield made
