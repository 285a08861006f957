"""A damaged provenance is one clear line in each command that reads it, on the files of 0.1."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.formats.test_released_formats import HERE, OldProject
from tests.preloaded import python
from tests.tiny_corpus import PROJECT
from tracelate import layout
from tracelate.config import load_params
from tracelate.corpus.tokenized import TokenizedPair
from tracelate.corpus.tokenized_file import write_tokenized
from tracelate.errors import InputError
from tracelate.evaluation.lineage import make_lineage, read_lineage
from tracelate.files import read_json, write_json

DAMAGE = ["[]", '{"corpus": "catalogs"}', "{", '{"corpus": NaN}', '{"corpus": 3}']


@pytest.fixture
def project(tmp_path: Path) -> OldProject:
    folder = tmp_path / "project"
    shutil.copytree(HERE / "0.1", folder)
    shutil.copyfile(PROJECT / "params.yaml", folder / "params.yaml")
    return OldProject(folder)


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done.stdout + done.stderr
    # the stages warn of a small corpus
    lines = [line for line in done.stderr.splitlines(True) if not line.startswith("warning: ")]
    assert len(lines) == 1 and lines[0].startswith("error: "), done.stderr
    return lines[0]


@pytest.mark.parametrize(
    ("command", "text"), [*(("summary", text) for text in DAMAGE), ("sync", DAMAGE[0])]
)
def test_a_damaged_file_is_named_with_the_remedy(
    project: OldProject, command: str, text: str
) -> None:
    (project.folder / layout.PROVENANCE).write_text(text)
    line = one_line(project.run(command))
    assert f"{layout.PROVENANCE} is damaged (" in line
    assert line.endswith("fetch the corpus again, with python -m pipeline.download\n")


def train(project: OldProject) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python(), "-m", "pipeline.train"],
        cwd=project.folder,
        env={**project.environment, "PYTHONPATH": f"{PROJECT}:{PROJECT / 'src'}"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )


def test_the_stage_train_begins_no_run_with_a_damaged_file(project: OldProject) -> None:
    (project.folder / layout.PROVENANCE).write_text("[]")
    inputs = zip(layout.TRAINING_INPUTS[:2], layout.OLDER_TRAINING_INPUTS[:2], strict=True)
    for ids, older in inputs:
        rows = pq.read_table(project.folder / older, columns=["source_ids", "target_ids"])
        pairs = [TokenizedPair(**row) for row in rows.to_pylist()]
        write_tokenized(project.folder / ids, pairs)
    line = one_line(train(project))
    assert "provenance.json is damaged (it is not a JSON object): fetch the" in line
    assert not (project.folder / "mlflow.db").exists()


def test_the_stage_train_names_the_stage_whose_ids_are_missing(project: OldProject) -> None:
    line = one_line(train(project))
    assert line == (
        "error: data/tokenized/train.arrow is missing: run the stage that writes it (dvc repro)\n"
    )


@pytest.mark.parametrize("text", DAMAGE)
def test_no_lineage_is_made_from_a_damaged_file(project: OldProject, text: str) -> None:
    (project.folder / layout.PROVENANCE).write_text(text)
    params = load_params(project.folder / "params.yaml")
    with pytest.raises(InputError, match=r"provenance\.json is damaged .* fetch the corpus again"):
        make_lineage(params, {}, "0" * 64, project.folder)


@pytest.mark.parametrize(
    "provenance", [[], 3, None, {}, {"corpus": "catalogs"}, {"corpus": "wmt"}], ids=str
)
def test_a_lineage_with_a_damaged_provenance_is_one_line(
    project: OldProject, provenance: Any
) -> None:
    path = project.folder / layout.LINEAGE
    write_json(path, {**read_json(path), "provenance": provenance})
    with pytest.raises(InputError, match=r"lineage\.json is damaged \(provenance.*: evaluate the"):
        read_lineage(path)


def test_commands_read_the_lineage_with_one_line(project: OldProject) -> None:
    path = project.folder / layout.LINEAGE
    write_json(path, {**read_json(path), "provenance": []})
    for command in ("lineage", "translate", "serve"):
        arguments = ("--model", "reports") if command == "translate" else ("reports",)
        assert "lineage.json is damaged (provenance" in one_line(project.run(command, *arguments))


def test_a_lineage_with_keys_of_a_newer_version_is_shown_and_verified(project: OldProject) -> None:
    path = project.folder / layout.LINEAGE
    document = read_json(path)
    document["provenance"] |= {"mirrors": ["https://example.org"], "homepage": None}
    write_json(path, document)
    assert "tinycatalogs 1.0 (catalogs), sha256 63cf36a1ee6b, licence Apache-2.0" in (
        project.succeed("lineage", "reports")
    )
    assert "✗" not in project.succeed("lineage", "reports", "--verify")
    printed = json.loads(project.succeed("lineage", "reports", "--json"))
    assert printed["lineage"]["provenance"] == document["provenance"]
