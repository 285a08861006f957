"""A model and the files of every released format are read, verified, promoted and served."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.preloaded import python
from tests.tiny_corpus import PROJECT
from tracelate import layout
from tracelate.comparison.comparability import inconsistencies
from tracelate.errors import InputError
from tracelate.evaluation.lineage import LINEAGE_FORMAT, read_lineage
from tracelate.evaluation.metrics_file import METRICS_FORMAT, read_metrics
from tracelate.evaluation.results import read_evidence
from tracelate.file_format import FileFormat
from tracelate.inference.translator import Translator
from tracelate.training.model_files import CONFIG_FORMAT, load_model
from tracelate.training.run_file import RUN_FORMAT, read_training_run

HERE = Path(__file__).parent
RELEASED = sorted(path.parent.name for path in HERE.glob("*/params.yaml"))
FORMATS: dict[Path, FileFormat[Any]] = {
    layout.MODELS / "config.json": CONFIG_FORMAT,
    layout.RUN: RUN_FORMAT,
    layout.LINEAGE: LINEAGE_FORMAT,
    layout.METRICS: METRICS_FORMAT,
}


class OldProject:
    """A project of an earlier release, in which commands of this version run."""

    def __init__(self, folder: Path, source: Path = PROJECT / "src") -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"},
            "PYTHONPATH": str(source),
            "TRACELATE_CACHE": str(folder / "cache"),
        }

    def run(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python(), "-m", "tracelate.cli.main", *arguments],
            cwd=self.folder,
            env=self.environment,
            input=text,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )

    def succeed(self, *arguments: str, text: str = "") -> str:
        done = self.run(*arguments, text=text)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def served(self, reference: str) -> Iterator[str]:
        """The address of a server of that model."""
        command = [python(), "-m", "tracelate.cli.main", "serve", reference, "--port", "0"]
        server = subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stderr=subprocess.PIPE, text=True
        )
        try:
            assert server.stderr is not None
            said = ""
            for line in server.stderr:
                said += line
                if found := re.search(r"http://[\d.:]+", line):
                    yield found[0]
                    break
            else:
                raise AssertionError(said)
        finally:
            server.terminate()
            server.communicate(timeout=60)

    def rows(self) -> list[dict[str, str]]:
        lines = (self.folder / layout.TRANSLATIONS).read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]


def invoke(address: str, sentences: list[str]) -> list[str]:
    request = urllib.request.Request(
        f"{address}/invocations",
        json.dumps({"inputs": sentences}).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        predictions: list[str] = json.load(answer)["predictions"]
    return predictions


@pytest.fixture(params=RELEASED)
def project(request: pytest.FixtureRequest, tmp_path: Path) -> OldProject:
    folder = tmp_path / "project"
    shutil.copytree(HERE / request.param, folder)
    # params.yaml is the user's: its strict view is of this version alone
    shutil.copyfile(PROJECT / "params.yaml", folder / "params.yaml")
    return OldProject(folder)


def test_a_model_translates_the_same_words(project: OldProject) -> None:
    settings = read_lineage(project.folder / layout.LINEAGE).params["evaluate"]
    translator = Translator(
        load_model(project.folder / layout.MODELS),
        beam_size=settings["beam_size"],
        length_penalty=settings["length_penalty"],
        batch_sentences=settings["batch_sentences"],
    )
    rows = project.rows()
    translations = translator.translate([row["source"] for row in rows])
    assert [one.text for one in translations] == [row["translation"] for row in rows]


def test_every_file_is_read_and_agrees_with_the_others(project: OldProject) -> None:
    lineage = read_lineage(project.folder / layout.LINEAGE)
    assert lineage.training == read_training_run(project.folder / layout.RUN)
    metrics = read_metrics(project.folder / layout.METRICS)
    assert {score.name: score.signature for score in metrics.scores} == lineage.signatures
    assert inconsistencies(read_evidence(project.folder / "reports", "reports")) == []


def test_a_lineage_is_verified(project: OldProject) -> None:
    said = project.succeed("lineage", "reports", "--verify")
    assert "✓ same" in said and "✗" not in said


def test_mlflow_is_written_from_the_files_and_the_model_promoted_and_served(
    project: OldProject,
) -> None:
    rows = project.rows()
    run_id = re.findall(r"[0-9a-f]{32}", project.succeed("sync"))[-1]
    assert "promoted: champion" in project.succeed("promote", run_id)
    assert "✗" not in project.succeed("lineage", "models:/tracelate@champion", "--verify")
    with project.served("models:/tracelate@champion") as address:
        translations = invoke(address, [row["source"] for row in rows])
    assert translations == [row["translation"] for row in rows]


def test_a_package_is_served_and_none_of_its_code_is_run(project: OldProject) -> None:
    packed = project.folder / "packed"
    shutil.copytree(project.folder / "models", packed / "artifacts")
    shutil.copyfile(project.folder / layout.LINEAGE, packed / "artifacts" / "lineage.json")
    for name in ("served_model.py", "pyfunc_model.py", "code/tracelate/__init__.py"):
        (packed / name).parent.mkdir(parents=True, exist_ok=True)
        (packed / name).write_text("raise SystemExit('code of the package was run')\n")
    rows = project.rows()
    with project.served("packed") as address:
        translations = invoke(address, [row["source"] for row in rows])
    assert translations == [row["translation"] for row in rows]


@pytest.mark.parametrize("name", FORMATS, ids=str)
def test_a_file_of_a_newer_format_is_refused_in_one_line(project: OldProject, name: Path) -> None:
    path, written = project.folder / name, FORMATS[name]
    document = json.loads(path.read_text(encoding="utf-8"))
    newer = {"format_version": written.version + 1, "tracelate_version": "0.4.0"}
    path.write_text(json.dumps({**document, **newer, "unheard_of": 1}), encoding="utf-8")
    with pytest.raises(InputError, match=r"was made by Tracelate 0\.4\.0 .*: update Tracelate$"):
        written.read(path)


@pytest.mark.parametrize("name", FORMATS, ids=str)
@pytest.mark.parametrize("version", [0, -1, "2", True, None, 1.5])
def test_a_format_version_that_is_no_number_from_1_on_is_damage(
    project: OldProject, name: Path, version: object
) -> None:
    path, written = project.folder / name, FORMATS[name]
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, "format_version": version}), encoding="utf-8")
    with pytest.raises(InputError, match=r"is damaged \(format_version"):
        written.read(path)


def test_a_new_setting_of_the_model_disables_no_model_that_exists(
    project: OldProject, tmp_path: Path
) -> None:
    source = tmp_path / "src"
    shutil.copytree(PROJECT / "src" / "tracelate", source / "tracelate")
    config = next(
        path
        for path in sorted((source / "tracelate").rglob("config*.py"))
        if "class ModelConfig" in path.read_text(encoding="utf-8")
    )
    text = config.read_text(encoding="utf-8")
    changed = re.sub(
        r"(class ModelConfig\(.*\):\n(?:    \"\"\".*?\"\"\"\n\n?)?)",
        r"\1    coverage: bool\n",
        text,
    )
    assert changed != text
    config.write_text(changed, encoding="utf-8")
    params = project.folder / "params.yaml"
    params.write_text(
        params.read_text(encoding="utf-8").replace("\nmodel:\n", "\nmodel:\n  coverage: true\n"),
        encoding="utf-8",
    )
    newer = OldProject(project.folder, source)
    [first, *_] = newer.rows()
    assert newer.succeed("translate", text=first["source"] + "\n").strip()
    run_id = re.findall(r"[0-9a-f]{32}", newer.succeed("sync"))[-1]
    newer.succeed("promote", run_id)
    newer.succeed("lineage", "models:/tracelate@champion", "--verify")
    with newer.served("models:/tracelate@champion") as address:
        assert invoke(address, [first["source"]]) == [first["translation"]]
