from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.inspection.project import write_project


@pytest.fixture
def project(folder: Path) -> Path:
    write_project(folder)
    return folder


def test_the_page_is_where_the_command_says(run: Run, project: Path) -> None:
    done = run("inspect")
    assert done.status == 0, done.stderr
    assert "of 1,500 pairs are kept; dropped are " in done.stdout
    assert ".tracelate/inspect.html shows" in done.stdout
    assert Path(".tracelate/inspect.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert not Path("data/prepared").exists() and not Path("reports").exists()


def test_two_settings_are_compared_as_json(run: Run, project: Path) -> None:
    text = Path("params.yaml").read_text(encoding="utf-8")
    Path("other.yaml").write_text(
        text.replace("max_characters: 400", "max_characters: 60"), encoding="utf-8"
    )
    done = run("inspect", "--against", "other.yaml", "--output", "page.html", "--json")
    assert done.status == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["page"] == "page.html" and Path("page.html").exists()
    assert document["against"]["only_before"] > 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--output", "."), "error: . is a folder: name a file for the page with --output"),
        (("--against", "none.yaml"), "error: none.yaml"),
    ],
)
def test_wrong_arguments_are_named_in_one_line(
    run: Run, project: Path, arguments: tuple[str, ...], expected: str
) -> None:
    done = run("inspect", *arguments)
    assert (done.status, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert done.stderr.startswith(expected)


def test_wrong_settings_to_compare_with_are_named(run: Run, project: Path) -> None:
    text = Path("params.yaml").read_text(encoding="utf-8")
    Path("other.yaml").write_text(text.replace("  seed: 1", "  sead: 1", 1), encoding="utf-8")
    done = run("inspect", "--against", "other.yaml")
    assert done.status == 1 and done.stderr.startswith("error: other.yaml: ")
    assert not Path(".tracelate/inspect.html").exists()
