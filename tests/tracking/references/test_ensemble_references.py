"""Several models named with plus signs translate as one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tracelate import layout
from tracelate.cli.main import app
from tracelate.errors import InputError
from tracelate.evaluation.lineage import MODEL_FILES
from tracelate.inference.ensemble import Ensemble
from tracelate.inference.translator import Translator
from tracelate.signing.trust import read_trust
from tracelate.tracking.references.ensemble_references import load_members, resolve_members
from tracelate.tracking.references.trained_models import LoadedModel
from tracelate.training.model_files import CONFIG_FORMAT

SENTENCES = ["Always the door opens the window.", "", "Today the light stops."]


@pytest.fixture
def folder(finished_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the tiny model as a/, b/ and c+d/."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "c+d"):
        (tmp_path / name).mkdir()
        for file in MODEL_FILES:
            shutil.copyfile(finished_project / layout.MODELS / file, tmp_path / name / file)
    return tmp_path


def load(text: str) -> LoadedModel:
    return load_members(resolve_members(text), read_trust())


def test_two_models_are_an_ensemble_with_the_hashes_of_both(folder: Path) -> None:
    loaded, alone = load("a+b"), load("a")
    assert isinstance(loaded.trained.model, Ensemble) and loaded.receipt is None
    assert loaded.settings == alone.settings
    assert set(loaded.sha256_by_name) == {f"{n}/{name}" for n in (1, 2) for name in MODEL_FILES}
    texts = [
        [
            one.text
            for one in Translator(each.trained, **each.settings._asdict()).translate(SENTENCES)
        ]
        for each in (loaded, alone)
    ]
    assert texts[0] == texts[1]  # since both members are the same model


def test_attention_of_an_ensemble_is_that_of_its_equal_members(folder: Path) -> None:
    loaded, alone = load("a+b"), load("a")
    both = [Translator(one.trained, **one.settings._asdict()) for one in (loaded, alone)]
    [first], [second] = (one.translate(SENTENCES[:1]) for one in both)
    weights = [next(one.attentions([first])) for one in both]
    assert weights[0] == pytest.approx(weights[1], abs=1e-6)
    assert both[0].attention_in_parts(first) == pytest.approx(weights[0], abs=1e-5)
    assert both[0].attention_views(first) == {} and first.target_ids == second.target_ids


def test_a_path_with_a_plus_sign_is_one_model(folder: Path) -> None:
    assert not isinstance(load("c+d").trained.model, Ensemble)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a+", "has a plus sign without a model beside it: remove it"),
        ("a++b", "has a plus sign without a model beside it"),
        ("a+nowhere", "'nowhere' names no model or run"),
        ("+".join(["a"] * 65), "has 65 members: an ensemble has up to 64"),
    ],
)
def test_what_is_no_ensemble_is_named(folder: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load(text)


def test_members_of_other_languages_are_refused(folder: Path) -> None:
    path = folder / "b" / "config.json"
    config = CONFIG_FORMAT.read(path)
    CONFIG_FORMAT.write(path, config.model_copy(update={"target_language": "fr"}))
    said = r"member 1, a, and member 2, b, cannot be one ensemble, because their target language"
    with pytest.raises(InputError, match=said):
        load("a+b")


def test_an_ensemble_translates_and_is_scored_on_the_command_line(folder: Path) -> None:
    (folder / "in.en").write_text("\n".join(SENTENCES[::2]) + "\n", encoding="utf-8")
    run = CliRunner().invoke
    done = run(app, ["translate", "in.en", "--model", "a+b", "--output", "out.es"])
    assert done.exit_code == 0, done.output
    assert len((folder / "out.es").read_text(encoding="utf-8").splitlines()) == 2
    scored = ["evaluate", "--source", "in.en", "--reference", "out.es", "--model", "a+b"]
    done = run(app, [*scored, "--output", "scores"])
    assert done.exit_code == 0, done.output
    assert "100.0" in done.output  # its own translations are the reference
    done = run(app, [*scored, "--log", "other"])
    assert isinstance(done.exception, InputError)
    assert str(done.exception) == "a+b is an ensemble, which has no run: leave out --log"
    done = run(app, ["translate", "in.en", "--model", "a+b", "--receipt", "r", "--sign-with", "k"])
    assert done.exit_code != 0
