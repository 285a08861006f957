"""The check of a lineage from elsewhere before its replay, and the question to the user."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.conftest import Project
from tracelate import layout
from tracelate.cli.main import main
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage, read_lineage
from tracelate.lineage import replay as replaying
from tracelate.lineage.checks import LineageCheck
from tracelate.lineage.replay_plan import (
    describe_replay,
    is_own,
    refuse_files_outside_project,
    refuse_invalid_lineage,
)
from tracelate.tracking.references.references import ServedReference, resolve

OLD = Path(__file__).parent.parent / "formats/0.1/reports/lineage.json"


@pytest.fixture
def lineage(finished_project: Path) -> Lineage:
    return read_lineage(finished_project / layout.LINEAGE)


def with_setting(lineage: Lineage, place: str, value: Any) -> Lineage:
    params: dict[str, Any] = lineage.model_copy(deep=True).params
    section = params
    *sections, name = place.split(".")
    for one in sections:
        section = section[one]
    section[name] = value
    return lineage.model_copy(update={"params": params})


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("download.catalogs.package", "x @ file:///tmp/evil"),
        ("download.catalogs.version", "1.0 @ file:///tmp/evil"),
        ("download.catalogs.python_version", "-c"),
        ("download.catalogs.sha256", "../../x"),
        ("download.catalogs.index", "https://example.org"),
        ("download.hub.nane", "x"),
        ("train.epochs", "many"),
        ("runtime.devices", -1),
        ("registry.name", "a/b"),
        ("more", {}),
        ("evaluate.beam_size", float("inf")),
    ],
)
def test_settings_are_checked_as_those_of_params_yaml(
    lineage: Lineage, place: str, value: object
) -> None:
    with pytest.raises(
        InputError, match=rf"^the lineage: {place.replace('.', '[.]')} is "
    ) as error:
        refuse_invalid_lineage(with_setting(lineage, place, value))
    assert len(str(error.value).splitlines()) == 1


def test_the_lineage_of_an_older_version_is_accepted(lineage: Lineage) -> None:
    refuse_invalid_lineage(lineage)
    refuse_invalid_lineage(read_lineage(OLD))


def test_a_lineage_whose_hashes_contradict_each_other_is_refused(lineage: Lineage) -> None:
    wrong = with_setting(lineage, "download.catalogs.sha256", "0" * 64)
    with pytest.raises(InputError, match="the corpus is that of the settings"):
        refuse_invalid_lineage(wrong)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.en", "corpora/../../x"])
def test_a_lineage_from_elsewhere_names_no_file_outside_the_project(
    lineage: Lineage, path: str
) -> None:
    refuse_files_outside_project(lineage)
    provenance = lineage.provenance.model_copy(update={"corpus": "files"})
    foreign = lineage.model_copy(update={"provenance": provenance})
    refuse_files_outside_project(foreign)
    with pytest.raises(InputError, match="lies outside the project"):
        refuse_files_outside_project(with_setting(foreign, "download.files.train.target", path))


def test_a_dataset_from_elsewhere_is_no_folder_of_this_machine(
    lineage: Lineage, tmp_path: Path
) -> None:
    provenance = lineage.provenance.model_copy(update={"corpus": "hub"})
    foreign = lineage.model_copy(update={"provenance": provenance})
    refuse_files_outside_project(foreign)
    with pytest.raises(InputError, match="lies outside the project"):
        refuse_files_outside_project(with_setting(foreign, "download.hub.name", str(tmp_path)))


def test_the_description_names_commit_corpus_and_each_setting_that_differs(
    lineage: Lineage, project: Project
) -> None:
    changed = with_setting(lineage, "train.seed", 1234)
    changed = with_setting(changed, "download.catalogs.licence", "CC0 \N{RIGHT-TO-LEFT OVERRIDE}x")
    lines = list(describe_replay(changed, project.folder))
    assert lines[0].startswith(f"commit:   {lineage.training.commit or 'unknown'}")
    assert "  train.seed: 1234 (params.yaml: 1)" in lines
    assert any(line.startswith("  download.catalogs.licence: ") for line in lines)
    assert all(line.isascii() for line in lines)
    assert list(describe_replay(lineage, project.folder))[-1] == "settings: as in params.yaml"


def test_commands_of_neural_metrics_are_shown_and_not_run(tmp_path: Path) -> None:
    metric = {"name": "evil", "command": ["sh", "-c", "rm \x1b[2J"], "timeout_s": 1.0}
    lineage = with_setting(read_lineage(OLD), "evaluate.neural_metrics", [metric])
    assert 'not run:  the neural metric "evil": ["sh", "-c", "rm \\u001b[2J"]' in list(
        describe_replay(lineage, tmp_path)
    )
    replaying._write_params(tmp_path / "params.yaml", lineage)
    written = YAML(typ="safe").load(tmp_path / "params.yaml")
    assert written["evaluate"] == {**lineage.params["evaluate"], "neural_metrics": []}
    assert lineage.params["evaluate"]["neural_metrics"] == [metric]


Command = Callable[..., tuple[int, str]]


@pytest.fixture
def command(
    finished_project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """Runs `tracelate replay` in a copy of the project; gives its status and what it wrote."""
    own, foreign = tmp_path / "own", tmp_path / "foreign"
    for folder in (own, foreign):
        for room in ("models", "reports"):
            shutil.copytree(finished_project / room, folder / room)
        shutil.copyfile(finished_project / "params.yaml", folder / "params.yaml")
    monkeypatch.chdir(own)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)

    def replay(*_: object, **__: object) -> list[LineageCheck]:
        return [LineageCheck("the replay", "ran", "same")]

    monkeypatch.setattr(replaying, "replay", replay)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["tracelate", "replay", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(str(ended.value.code or 0)), said.out + said.err

    return run


def test_without_a_terminal_only_the_projects_own_lineage_runs_unasked(command: Command) -> None:
    status, said = command("reports")
    assert status == 0 and "same      ran" in said and "commit: " in said
    for reference in ("../foreign", "../foreign/reports"):
        status, said = command(reference)
        assert status == 1 and "ran" not in said.split("error: ")[0] and "add --yes" in said
        status, said = command(reference, "--yes")
        assert status == 0 and "same      ran" in said


@pytest.mark.parametrize(("answer", "status"), [(True, 0), (False, 1)])
def test_on_a_terminal_the_user_is_asked(
    command: Command, monkeypatch: pytest.MonkeyPatch, answer: bool, status: int
) -> None:
    asked: list[str] = []

    def confirm(text: str, **_: object) -> bool:
        asked.append(text)
        return answer

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", confirm)
    found, said = command("reports")
    assert found == status and len(asked) == 1
    assert ("same      ran" in said) == answer


def test_a_lineage_is_own_by_its_place(command: Command) -> None:
    assert is_own(resolve(".")) and is_own(resolve("models/weights.safetensors"))
    assert not is_own(resolve("../foreign")) and not is_own(ServedReference("http://127.0.0.1:9"))
