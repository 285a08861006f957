"""The settings to translate with, which belong to the model wherever it lies."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.lineage import MODEL_FILES, read_lineage
from tracelate.files import read_json, write_json
from tracelate.tracking.references.references import resolve
from tracelate.tracking.references.trained_models import DEFAULT_SETTINGS, load_trained
from tracelate.tracking.runs.log_model import pack_model

EVALUATED = 2
"""The beam size with which the tiny project was evaluated."""


@pytest.fixture
def project(finished_project: Path, tmp_path: Path) -> Path:
    """A copy of the project, whose params.yaml has changed since the evaluation."""
    folder = tmp_path / "project"
    for room in (layout.MODELS, layout.REPORTS):
        shutil.copytree(finished_project / room, folder / room)
    text = (finished_project / layout.PARAMS).read_text("utf-8")
    assert f"beam_size: {EVALUATED}" in text
    changed = text.replace(f"beam_size: {EVALUATED}", "beam_size: 7")
    (folder / layout.PARAMS).write_text(changed, encoding="utf-8")
    return folder


def copy_model(project: Path, folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in MODEL_FILES:
        shutil.copyfile(project / layout.MODELS / name, folder / name)
    return folder


def beam_size(path: Path) -> int:
    return load_trained(resolve(str(path))).settings.beam_size


def test_an_evaluated_model_is_used_as_it_was_evaluated(project: Path) -> None:
    pack_model(project.parent / "packed", read_lineage(project / layout.LINEAGE), project)
    places = (project, project / "models", project / "reports", project.parent / "packed")
    for path in (*places, project.parent / "packed/artifacts"):
        assert beam_size(path) == EVALUATED


def test_a_lineage_of_another_model_gives_no_settings(project: Path) -> None:
    document = read_json(project / layout.LINEAGE)
    document["model"]["models/weights.safetensors"] = "0" * 64
    write_json(project / layout.LINEAGE, document)
    assert beam_size(project) == 7


def test_a_model_without_lineage_takes_the_settings_of_the_project_that_it_lies_in(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert beam_size(copy_model(project, project / "models/variants/general")) == 7
    assert beam_size(copy_model(project, project / "studies/attention/results/x/1/model")) == 7
    (project / layout.LINEAGE).unlink()
    assert beam_size(project / "models") == 7
    monkeypatch.chdir(project / "models")
    assert beam_size(Path("variants/general")) == 7


def test_a_model_on_its_own_takes_the_documented_defaults(project: Path) -> None:
    alone = copy_model(project, project.parent / "alone")
    loaded = load_trained(resolve(str(alone)))
    assert loaded.settings == DEFAULT_SETTINGS
    assert set(loaded.sha256_by_name) == set(MODEL_FILES)


def test_the_params_of_another_program_are_no_settings(project: Path) -> None:
    alone = copy_model(project, project.parent / "other/models")
    for text in ("learning_rate: 0.1\n", "- a list\n", ""):
        (project.parent / "other/params.yaml").write_text(text, encoding="utf-8")
        assert load_trained(resolve(str(alone))).settings == DEFAULT_SETTINGS


def test_damaged_params_of_the_models_project_are_reported(project: Path) -> None:
    (project / layout.LINEAGE).unlink()
    (project / layout.PARAMS).write_text("evaluate: [", encoding="utf-8")
    with pytest.raises(InputError, match=r"params\.yaml is no valid YAML"):
        load_trained(resolve(str(project)))


def test_a_lineage_without_the_settings_is_reported(project: Path) -> None:
    document = read_json(project / layout.LINEAGE)
    del document["params"]["evaluate"]
    write_json(project / layout.LINEAGE, document)
    with pytest.raises(InputError, match=r"lineage\.json is damaged \(params\.evaluate: Field req"):
        load_trained(resolve(str(project)))


def test_a_packed_file_that_has_changed_is_refused(project: Path) -> None:
    packed = project.parent / "packed"
    pack_model(packed, read_lineage(project / layout.LINEAGE), project)
    path = packed / "artifacts/tokenizer.json"
    path.write_bytes(path.read_bytes() + b" ")
    for reference in (packed, packed / "artifacts"):
        with pytest.raises(InputError, match=r"tokenizer\.json has changed"):
            load_trained(resolve(str(reference)))
    alone = packed / "artifacts"
    (packed / "MLmodel").unlink()
    with pytest.raises(InputError, match=r"tokenizer\.json has changed"):
        load_trained(resolve(str(alone)))


def test_a_project_that_was_not_trained_names_the_missing_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("evaluate: {}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"^models/config\.json is missing: train a model first"):
        load_trained(resolve("."))
