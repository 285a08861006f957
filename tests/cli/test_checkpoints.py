"""The folders of checkpoints that the command lists and removes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer

from tests.cli.conftest import Done, Run
from tracelate.layout import CHECKPOINTS
from tracelate.training.training_lock import training_lock

DAY_S = 86_400


@pytest.fixture
def folders(folder: Path) -> dict[str, Path]:
    """A folder in each state, by state."""
    made = {}
    names = {"resumable": "last.ckpt", "finished": "finished.pt", "begun": "run.json"}
    for number, (state, name) in enumerate(names.items()):
        made[state] = folder / CHECKPOINTS / f"{number}aaaaaaaaaaaaaaa"
        made[state].mkdir(parents=True)
        (made[state] / name).write_text('{"run_id": "12ab"}')
    made["damaged"] = folder / CHECKPOINTS / "0aaaaaaaaaaaaaaa.damaged"
    made["damaged"].mkdir()
    return made


@contextmanager
def in_use(path: Path) -> Iterator[None]:
    def on_wait(_: str) -> None:
        raise AssertionError

    with training_lock(path, on_wait):
        yield


def rows(done: Done) -> dict[str, dict[str, object]]:
    assert done.status == 0, done.stderr
    return {row["fingerprint"]: row for row in json.loads(done.stdout)}


def age(path: Path, days: float) -> None:
    for one in [*path.iterdir(), path]:
        os.utime(one, (one.stat().st_atime, one.stat().st_mtime - days * DAY_S))


def test_each_folder_is_listed_with_its_state(folders: dict[str, Path], run: Run) -> None:
    with in_use(folders["resumable"]):
        listed = rows(run("checkpoints", "--json"))
        table = run("checkpoints").stdout
    assert listed[folders["resumable"].name]["state"] == "in use"
    assert listed[folders["resumable"].name]["pid"] == os.getpid()
    assert f"in use by process {os.getpid()}" in table
    listed = rows(run("checkpoints", "--json"))
    assert {path.name: state for state, path in folders.items()} == {
        name: row["state"] for name, row in listed.items()
    }
    assert listed[folders["begun"].name]["run_id"] == "12ab"
    assert listed[folders["begun"].name]["size_bytes"] == len('{"run_id": "12ab"}')


def test_without_checkpoints_there_is_a_line(run: Run) -> None:
    assert "there are no checkpoints" in run("checkpoints").stdout
    assert rows(run("checkpoints", "--json")) == {}


def test_named_folders_are_removed(folders: dict[str, Path], run: Run) -> None:
    removed = rows(run("checkpoints", "--remove", "1aa", "--remove", "2a", "--yes", "--json"))
    assert set(removed) == {folders["finished"].name, folders["begun"].name}
    assert not folders["finished"].exists() and not folders["begun"].exists()
    assert folders["resumable"].exists()
    # a whole name is that folder's, also if another one begins with it
    run("checkpoints", "--remove", folders["resumable"].name, "--yes")
    assert not folders["resumable"].exists() and folders["damaged"].exists()


def test_old_folders_are_removed_but_those_in_use(folders: dict[str, Path], run: Run) -> None:
    for state in ("resumable", "finished", "damaged"):
        age(folders[state], 40)
    with in_use(folders["resumable"]):
        done = run("checkpoints", "--older-than", "30", "--yes")
    assert done.stdout.startswith("removed 2 folders")
    assert folders["resumable"].exists() and folders["begun"].exists()
    assert "nothing to remove" in run("checkpoints", "--older-than", "1e300", "--yes").stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "4 folders begin with ''"),
        ("0", "2 folders begin with '0'"),
        ("b", "no folder begins with 'b'"),
        ("1", "is in use by process"),
    ],
)
def test_a_name_of_no_single_free_folder_is_refused(
    folders: dict[str, Path], run: Run, name: str, message: str
) -> None:
    with in_use(folders["finished"]):
        done = run("checkpoints", "--remove", name, "--yes")
    assert done.status == 1 and message in done.stderr
    assert all(path.exists() for path in folders.values())


def test_a_removal_is_asked_for(
    folders: dict[str, Path], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("checkpoints", "--remove", "1")
    assert "add --yes" in run(*arguments).stderr
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: False)
    assert "nothing was removed" in run(*arguments).stderr
    assert folders["finished"].exists()
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: True)
    done = run(*arguments)
    assert "finished" in done.stderr and done.stdout.startswith("removed 1 folder")
    assert not folders["finished"].exists()
