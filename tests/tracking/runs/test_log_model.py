"""The packed model as MLflow loads it, with and without an installed Tracelate."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlflow import pyfunc
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PyFuncModel

from tracelate import layout
from tracelate.errors import InputError
from tracelate.evaluation.lineage import read_lineage
from tracelate.inference.translator import Translator
from tracelate.text.placeholders import placeholders
from tracelate.tracking.runs.log_model import pack_model, requirements
from tracelate.training.model_files import load_model

SENTENCES = ["Always the door opens the window.", "", "Never the heater needs the light."]
ELSEWHERE = """
import importlib.abc, json, os, sys

here = sys.argv[2]
sys.path = [path for path in sys.path if not os.path.realpath(path).startswith(here + "/src")]
sys.meta_path = [one for one in sys.meta_path if "editable" not in repr(one).lower()]
NOT_REQUIRED = {"datasets", "dvc", "pytorch_lightning", "sacrebleu", "typer"}

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in NOT_REQUIRED:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
try:
    import tracelate
    sys.exit("tracelate is not hidden")
except ImportError:
    pass
from mlflow import pyfunc

translations = pyfunc.load_model(sys.argv[1]).predict(json.load(sys.stdin))
json.dump([sys.modules["tracelate"].__file__, translations], sys.stdout)
"""


@pytest.fixture(autouse=True)
def safely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")


def pack(folder: Path, project: Path) -> Path:
    """Folder of a packed model."""
    pack_model(folder, read_lineage(project / layout.LINEAGE), project)
    return folder


@pytest.fixture(scope="module")
def packed(finished_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp("packed") / "model", finished_project)


@pytest.fixture(scope="module")
def model(packed: Path) -> PyFuncModel:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
        loaded: PyFuncModel = pyfunc.load_model(str(packed))
        return loaded


def trained(finished_project: Path, beam_size: int = 2) -> list[str]:
    translator = Translator(
        load_model(finished_project / "models"),
        beam_size=beam_size,
        length_penalty=1.0,
        batch_sentences=128,
    )
    return [one.text for one in translator.translate(SENTENCES)]


def test_the_packed_model_translates_like_the_trained_model(
    model: PyFuncModel, finished_project: Path
) -> None:
    assert model.predict(SENTENCES) == trained(finished_project)
    assert model.predict(SENTENCES, params={"beam_size": 1}) == trained(finished_project, 1)
    assert model.predict([]) == []


def test_the_packed_model_keeps_each_placeholder_as_often(model: PyFuncModel) -> None:
    sentence = "Open <b>{room}</b> and {room} at https://example.org/a?b=%s"
    predictions: Any = model.predict([sentence])
    for placeholder, times in placeholders(sentence).items():
        assert predictions[0].count(placeholder) == times


def test_it_translates_without_an_installed_tracelate(packed: Path, finished_project: Path) -> None:
    here = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(packed), here],
        input=json.dumps(SENTENCES),
        cwd=packed.parent,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    code, translations = json.loads(done.stdout)
    assert Path(code).is_relative_to(packed)
    assert translations == trained(finished_project)


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("x" * 100_000, "sentence 2: 100,000 subword pieces, and the limit is 1,000: split it"),
        ("a\ud800", "sentence 2, character 2: surrogates not allowed: correct it"),
    ],
    ids=["long", "half a character"],
)
def test_a_sentence_that_cannot_be_translated_in_time_is_named(
    model: PyFuncModel, sentence: str, message: str
) -> None:
    with pytest.raises(MlflowException, match=message):
        model.predict(["Never.", sentence])


def test_scores_alignment_and_n_best_are_returned_on_request(model: PyFuncModel) -> None:
    params: dict[str, Any] = {"n_best": 3, "with_scores": True, "with_alignment": True}
    predictions: Any = model.predict(SENTENCES, params=params)
    first, blank, _ = predictions
    scores = [one["score"] for one in first["n_best"]]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True)
    assert first["translation"] == first["n_best"][0]["translation"]
    words = {pair["source"] for pair in first["alignment"]}
    assert words <= {*SENTENCES[0].split(), "</s>"}
    assert [pair["target"] for pair in first["alignment"]] == first["translation"].split()
    assert (blank["translation"], blank["alignment"]) == ("", [])
    predictions = model.predict(SENTENCES[:1], params={"with_scores": True})
    assert set(predictions[0]) == {"translation", "score"}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"beam_size": 0}, "param beam_size is 0"),
        ({"beam_size": 65}, "param beam_size is 65"),
        ({"n_best": -1}, "param n_best is -1"),
        ({"length_penalty": float("nan")}, "param length_penalty is nan"),
        ({"beam_size": "many"}, "Invalid parameters"),
    ],
)
def test_wrong_params_are_refused_by_name(
    model: PyFuncModel, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(MlflowException, match=message) as caught:
        model.predict(SENTENCES, params=params)
    assert caught.value.get_http_status_code() == 400


def test_inputs_that_are_not_a_list_of_texts_are_refused(model: PyFuncModel) -> None:
    for wrong in ([1, 2], "text", [None], {"a": ["b"]}):
        with pytest.raises(MlflowException):
            model.predict(wrong)


def test_the_signature_has_the_params_with_the_defaults_of_the_evaluation(
    model: PyFuncModel,
) -> None:
    params = {param.name: param.default for param in model.metadata.signature.params}
    assert params == {
        "beam_size": 2,
        "length_penalty": 1.0,
        "n_best": 1,
        "with_scores": False,
        "with_alignment": False,
    }


@pytest.mark.parametrize("name", ["weights.safetensors", "config.json", "tokenizer.json"])
def test_a_model_with_one_changed_byte_is_refused_by_the_name_of_the_file(
    packed: Path, name: str
) -> None:
    path = packed / "artifacts" / name
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[-3] ^= 1
    path.write_bytes(changed)
    try:
        with pytest.raises(InputError, match=rf"{name} has changed"):
            pyfunc.load_model(str(packed))
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize(
    "name", ["code/tracelate/model/search.py", "pyfunc_model.py", "MLmodel", "requirements.txt"]
)
def test_mlflow_refuses_a_package_with_changed_missing_or_unknown_files(
    packed: Path, tmp_path: Path, name: str
) -> None:
    copy = shutil.copytree(packed, tmp_path / "model")
    pyfunc.load_model(str(copy))  # writes compiled files, which are no change
    whole = (copy / name).read_bytes()
    (copy / name).write_bytes(whole + b"\n")
    with pytest.raises(InputError, match=f"{name} has changed: .*, but package.json has"):
        pyfunc.load_model(str(copy))
    (copy / name).write_bytes(whole)
    (copy / "code" / "planted.py").write_text("")
    with pytest.raises(InputError, match=r"code/planted.py is not in package.json: remove it"):
        pyfunc.load_model(str(copy))
    (copy / "code" / "planted.py").unlink()
    (copy / "package.json").unlink()
    with pytest.raises(InputError, match=r"package.json is missing: restore the package"):
        pyfunc.load_model(str(copy))


def test_the_package_has_no_path_of_this_machine(finished_project: Path, tmp_path: Path) -> None:
    # a package that nothing has run: Python's compiled files contain its path
    folder = pack(tmp_path / "model", finished_project)
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for place in (finished_project, folder, Path(__file__).parents[3]):
                assert str(place).encode() not in content, path


def test_requirements_have_no_local_versions() -> None:
    for requirement in requirements():
        name, _, version = requirement.partition("==")
        assert name and version and "+" not in version
