"""The project in a git repository of its own, with a tiny corpus."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.preloaded import commands
from tests.tiny_corpus import PROJECT, build_wheel, put_into_cache, tiny_settings, write_params
from tracelate.layout import DVC_CACHE
from tracelate.tracking.store.hash_tags import unfold

BIN = Path(sys.executable).parent


class Clone:
    """A copy of the project in a git repository of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(commands()), str(BIN), os.environ["PATH"]]),
            "PYTHONPATH": str(folder / "src"),
            "DVC_NO_ANALYTICS": "1",
            "GIT_AUTHOR_NAME": "test",
            "GIT_AUTHOR_EMAIL": "test@example.org",
            "GIT_COMMITTER_NAME": "test",
            "GIT_COMMITTER_EMAIL": "test@example.org",
        }
        self.environment.pop("MLFLOW_TRACKING_URI", None)

    def run(self, *command: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            input=text,
            capture_output=True,
            encoding="utf-8",
            timeout=900,
        )

    def succeed(self, *command: str, text: str = "") -> str:
        done = self.run(*command, text=text)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def runs(self) -> list[str]:
        """Ids of MLflow's runs, oldest first."""
        with sqlite3.connect(self.folder / "mlflow.db") as store:
            return [
                row[0] for row in store.execute("select run_uuid from runs order by start_time")
            ]

    def logged(self, table: str, run_id: str) -> dict[str, Any]:
        """Returns the params, metrics or tags of a run, with a tag for each file's hash."""
        with sqlite3.connect(self.folder / "mlflow.db") as store:
            query = f"select key, value from {table} where run_uuid = ?"
            logged = dict(store.execute(query, [run_id]).fetchall())
        return unfold(logged) if table == "tags" else logged

    def json(self, path: str) -> Any:
        return json.loads((self.folder / path).read_text(encoding="utf-8"))

    def hashes(self) -> dict[str, str]:
        """Returns the hashes of outputs in dvc.lock."""
        lock = YAML(typ="safe", pure=True).load(self.folder / "dvc.lock")
        outs = [out for stage in lock["stages"].values() for out in stage["outs"]]
        return {out["path"]: out["md5"] for out in outs}


def clone(folder: Path, **changes: Any) -> Clone:
    """Returns a committed copy of the working tree; `__` in a setting is its dot."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in listed:
        if (PROJECT / name).is_file() and Path(name).name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PROJECT / name, folder / name)
    wheel = build_wheel()
    put_into_cache(wheel)
    settings = {name.replace("__", "."): value for name, value in changes.items()}
    write_params(folder, tiny_settings(wheel, **settings))
    made = Clone(folder)
    made.succeed("git", "init", "-q")
    for place in (folder, folder / "studies/attention"):  # as `make setup` does
        cache = str(place / DVC_CACHE)
        made.succeed("dvc", "--cd", str(place), "config", "--local", "core.site_cache_dir", cache)
    made.succeed("git", "add", "-A")
    made.succeed("git", "commit", "-qm", "A tiny project")
    return made
