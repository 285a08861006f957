"""Damaged and hostile files of a model are refused before a model is built from them."""

from __future__ import annotations

import pickle
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.model.toy import toy_config
from tracelate.corpus.tokenizer import SubwordTokenizer
from tracelate.errors import InputError
from tracelate.files import read_json, sha256_of, write_json
from tracelate.model.seq2seq import Seq2Seq
from tracelate.text.normaliser import STEPS_BEFORE, VERSION
from tracelate.training.model_files import CONFIG, TOKENIZER, WEIGHTS, load_model, save_model

TEXT = ["the door opens the window", "the heater needs the light", "a door is open"] * 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a small model with random weights."""
    tokenizer = SubwordTokenizer.train(TEXT, 300, 2)
    tokenizer.save(tmp_path / "learnt.json")
    config = toy_config()
    torch.manual_seed(0)
    model = Seq2Seq(config, tokenizer.size, tokenizer.padding_id)
    save_model(
        tmp_path / "models",
        model.state_dict(),
        config,
        tmp_path / "learnt.json",
        source_language="en",
        target_language="es",
        normalise=("nfc", "white_space"),
    )
    return tmp_path / "models"


def largest(weights: dict[str, Tensor]) -> str:
    return max(weights, key=lambda name: weights[name].numel())


def test_the_saved_model_is_loaded(folder: Path) -> None:
    trained = load_model(folder)
    saved = load_file(folder / WEIGHTS)
    assert isinstance(trained.model, Seq2Seq)
    loaded = trained.model.state_dict()
    assert all(torch.equal(saved[name], value) for name, value in loaded.items())
    assert not trained.model.decoder.training


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_not_finite_is_refused_with_the_tensor(folder: Path, value: float) -> None:
    weights = load_file(folder / WEIGHTS)
    name = largest(weights)
    weights[name].flatten()[-1] = value
    save_file(weights, folder / WEIGHTS)
    with pytest.raises(InputError, match=f"tensor {name} has values that are not finite"):
        load_model(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensor: tensor.half(), r"is F16 \[.*\], but config.json .* float32 \["),
        (lambda tensor: tensor.bool(), r"is BOOL \["),
        (lambda tensor: tensor.long(), r"is I64 \["),
        (lambda tensor: tensor.double(), r"is F64 \["),
        (lambda tensor: tensor.t().contiguous(), r"is float32 \[(\d+), (\d+)\], but .*\[\2, \1\]"),
        (lambda tensor: tensor[:-1].clone(), r"is float32 \["),
        (lambda tensor: tensor[None].clone(), r"is float32 \[1, "),
        (lambda tensor: None, r"is missing, but config.json beside it describes float32 \["),
    ],
)
def test_a_tensor_of_another_type_or_shape_is_refused_with_both(
    folder: Path, change: Any, message: str
) -> None:
    weights = load_file(folder / WEIGHTS)
    name = largest(weights)
    changed = change(weights.pop(name))
    save_file(weights if changed is None else {**weights, name: changed}, folder / WEIGHTS)
    with pytest.raises(InputError, match=f"the tensor {name} {message}"):
        load_model(folder)


def test_an_unknown_tensor_is_refused(folder: Path) -> None:
    save_file({**load_file(folder / WEIGHTS), "more": torch.zeros(2)}, folder / WEIGHTS)
    with pytest.raises(InputError, match=r"tensor more is float32 \[2\], but .* none of that name"):
        load_model(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 8,
        b"\xff" * 7 + b"\x7f" + b"{}",
        pickle.dumps({"weight": [1.0]}),
        (2).to_bytes(8, "little") + b"{}",
        (1 << 40).to_bytes(8, "little") + b"{" + b" " * 100,
    ],
)
def test_a_file_that_is_no_safetensors_is_refused_at_once(folder: Path, content: bytes) -> None:
    (folder / WEIGHTS).write_bytes(content)
    with pytest.raises(InputError, match=r"weights.safetensors(: the tensor .*| is damaged \(.*)"):
        load_model(folder)


def test_a_truncated_file_is_refused(folder: Path) -> None:
    whole = (folder / WEIGHTS).read_bytes()
    for length in (4, 100, len(whole) // 2, len(whole) - 1):
        (folder / WEIGHTS).write_bytes(whole[:length])
        with pytest.raises(InputError, match="is damaged"):
            load_model(folder)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"vocabulary_size": 10**12},
            "has .* pieces, but config.json .* says 1,000,000,000,000",
        ),
        ({"vocabulary_size": -1}, "pieces, but config.json"),
        ({"model": {"hidden_size": 10**6}}, "weights.safetensors(: the tensor| is damaged)"),
        ({"model": {"embedding_size": 2**62}}, "model.embedding_size"),
        ({"model": {"layers": -1}}, "model.layers"),
    ],
)
def test_sizes_that_do_not_fit_the_files_are_refused_before_memory_is_taken(
    folder: Path, settings: dict[str, Any], message: str
) -> None:
    document = read_json(folder / CONFIG)
    model = {**document["model"], **settings.get("model", {})}
    write_json(folder / CONFIG, {**document, **settings, "model": model})
    began_s = time.perf_counter()
    tracemalloc.start()
    with pytest.raises(InputError, match=message):
        load_model(folder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000_000
    assert time.perf_counter() - began_s < 10


def test_a_tokenizer_of_another_size_is_refused_although_its_hash_fits(folder: Path) -> None:
    SubwordTokenizer.train(TEXT, 270, 2).save(folder / TOKENIZER)
    document = read_json(folder / CONFIG)
    write_json(folder / CONFIG, {**document, "tokenizer_sha256": sha256_of(folder / TOKENIZER)})
    with pytest.raises(InputError, match=r"tokenizer.json has 2\d\d pieces, but config.json"):
        load_model(folder)


def test_the_saved_normaliser_is_loaded(folder: Path) -> None:
    saved = load_model(folder).config.normaliser
    assert (saved.version, saved.steps) == (VERSION, ["nfc", "white_space"])
    assert saved.build()(" e\u0301\u00a0") == "é"


def test_a_model_of_an_older_format_has_the_steps_of_prepare_before_they_were_a_setting(
    folder: Path,
) -> None:
    document = read_json(folder / CONFIG)
    del document["normaliser"]
    write_json(folder / CONFIG, {**document, "format_version": 2})
    saved = load_model(folder).config.normaliser
    assert (saved.version, saved.steps) == (0, list(STEPS_BEFORE))


def test_a_model_of_an_older_format_has_no_slots(folder: Path) -> None:
    document = read_json(folder / CONFIG)
    del document["placeholders"]
    write_json(folder / CONFIG, {**document, "format_version": 3})
    saved = load_model(folder).config.placeholders
    assert (saved.version, saved.slots) == (0, 0)


def test_a_model_of_an_older_format_is_cased(folder: Path) -> None:
    document = read_json(folder / CONFIG)
    assert document.pop("casing") == {"version": 1, "markup": False}
    write_json(folder / CONFIG, {**document, "format_version": 4})
    saved = load_model(folder).config.casing
    assert (saved.version, saved.markup) == (0, False)


def test_case_markup_that_the_tokenizer_lacks_is_refused(folder: Path) -> None:
    document = read_json(folder / CONFIG)
    write_json(folder / CONFIG, {**document, "casing": {"version": 1, "markup": True}})
    with pytest.raises(InputError, match=r"lacks case markup, unlike config.json .*: restore both"):
        load_model(folder)
    write_json(folder / CONFIG, {**document, "casing": {"version": 2, "markup": True}})
    with pytest.raises(InputError, match=r"made by a later version .*casing 2"):
        load_model(folder)


def test_slots_that_the_tokenizer_lacks_are_refused(folder: Path) -> None:
    document = read_json(folder / CONFIG)
    assert document["placeholders"] == {"version": 1, "slots": 0}
    slots = {"version": 1, "slots": 2}
    write_json(folder / CONFIG, {**document, "placeholders": slots})
    with pytest.raises(InputError, match=r"has 0 slot tokens, but config.json .* says 2: restore"):
        load_model(folder)


def test_a_newer_definition_of_placeholders_is_refused_in_one_line(folder: Path) -> None:
    newer = {"version": 2, "slots": 0}
    write_json(folder / CONFIG, {**read_json(folder / CONFIG), "placeholders": newer})
    with pytest.raises(InputError, match=r"made by a later version .*placeholders 2.*: update Tra"):
        load_model(folder)


def test_a_newer_normaliser_is_refused_in_one_line(folder: Path) -> None:
    newer = {"version": VERSION + 1, "steps": ["fold"]}
    write_json(folder / CONFIG, {**read_json(folder / CONFIG), "normaliser": newer})
    message = (
        rf"config\.json was made by a later version .*normaliser {VERSION + 1}.*: update Tracel"
    )
    with pytest.raises(InputError, match=message):
        load_model(folder)


def test_an_unknown_step_is_damage(folder: Path) -> None:
    unknown = {"version": VERSION, "steps": ["fold"]}
    write_json(folder / CONFIG, {**read_json(folder / CONFIG), "normaliser": unknown})
    with pytest.raises(InputError, match=r"damaged \(the step 'fold' is unknown"):
        load_model(folder)
