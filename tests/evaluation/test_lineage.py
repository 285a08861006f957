from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tracelate import layout
from tracelate.config import load_params
from tracelate.corpus.data_report import read_data_report
from tracelate.errors import InputError
from tracelate.evaluation.lineage import (
    make_lineage,
    read_lineage,
    refuse_changed_files,
    write_lineage,
)
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.files import read_json, sha256_of
from tracelate.tracking.packages.model_card import model_card, write_card
from tracelate.tracking.packages.package_files import CARD
from tracelate.training.report import read_training_report
from tracelate.training.run_file import RUN_FORMAT


def test_every_file_from_the_weights_to_the_corpus_is_hashed(finished_project: Path) -> None:
    files = read_lineage(finished_project / layout.LINEAGE).files
    assert set(files) == {
        *(f"models/{name}" for name in ("weights.safetensors", "config.json", "tokenizer.json")),
        *(f"data/tokenized/{name}" for name in ("train.arrow", "valid.arrow", "tokenizer.json")),
        *(f"data/prepared/{split}.parquet" for split in ("train", "valid", "test")),
        "data/raw/all.parquet",
        "data/raw/provenance.json",
    }
    for name, sha256 in files.items():
        assert sha256_of(finished_project / name) == sha256


def test_the_lineage_has_the_training_the_data_and_the_scores(
    finished_project: Path,
) -> None:
    lineage = read_lineage(finished_project / layout.LINEAGE)
    metrics = read_metrics(finished_project / layout.METRICS)
    assert RUN_FORMAT.document(lineage.training) == read_json(finished_project / layout.RUN)
    assert lineage.provenance.model_dump() == read_json(finished_project / layout.PROVENANCE)
    assert lineage.params == load_params(finished_project / "params.yaml").model_dump()
    assert lineage.signatures == {score.name: score.signature for score in metrics.scores}
    assert lineage.test_sha256 == metrics.test.sha256 == lineage.files["data/prepared/test.parquet"]
    assert lineage.leakage["test"]["exact_source"] == 0


def test_the_same_files_have_the_same_lineage(finished_project: Path, tmp_path: Path) -> None:
    written = finished_project / layout.LINEAGE
    lineage = read_lineage(written)
    params = load_params(finished_project / "params.yaml")
    again = make_lineage(params, lineage.signatures, lineage.test_sha256, finished_project)
    assert again == lineage
    write_lineage(tmp_path / "again.json", again)
    assert (tmp_path / "again.json").read_bytes() == written.read_bytes()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"model": 3}', "\xff"])
def test_an_invalid_lineage_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lineage.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=r"lineage\.json is damaged .* evaluate the model"):
        read_lineage(path)


def test_a_missing_lineage_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing: evaluate the model"):
        read_lineage(tmp_path / "lineage.json")


@pytest.mark.parametrize(
    "name", ["models/weights.safetensors", "models/tokenizer.json", "data/prepared/test.parquet"]
)
def test_one_changed_byte_is_named_and_so_is_a_missing_file(
    finished_project: Path, tmp_path: Path, name: str
) -> None:
    for room in ("models", "data"):
        shutil.copytree(finished_project / room, tmp_path / room)
    files = read_lineage(finished_project / layout.LINEAGE).files
    refuse_changed_files(tmp_path, files)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name} has changed: its sha256 is \w+"):
        refuse_changed_files(tmp_path, files)
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match=rf"{name} is missing"):
        refuse_changed_files(tmp_path, files)


def test_the_card_holds_scores_licence_and_hashes_and_its_pictures_are_beside_it(
    finished_project: Path, tmp_path: Path
) -> None:
    write_card(tmp_path, finished_project)
    text = (tmp_path / CARD).read_text(encoding="utf-8")
    lineage = read_lineage(finished_project / layout.LINEAGE)
    for score in read_metrics(finished_project / layout.METRICS).scores:
        assert f"{score.value:.2f} | {score.low:.2f} to {score.high:.2f}" in text
        assert score.signature.replace("|", " ") in text
    for sha256 in lineage.files.values():
        assert sha256[:12] in text
    for said in ("en to es", "Apache-2.0", "tinycatalogs 1.0", lineage.training.run_id):
        assert said in text
    shown = [line for line in text.splitlines() if line.startswith("![")]
    assert len(shown) == len(list((finished_project / layout.FIGURES).glob("*.png")))
    for line in shown:
        assert (tmp_path / line.partition("(")[2].rstrip(")")).is_file()


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"architecture": "transformer", "layers": 2}, "transformer, 2 layers"),
        ({"attention": "general", "hops": 2}, "gru, general, 2 hops"),
        ({"attention": "none"}, "gru, none"),
    ],
    ids=str,
)
def test_the_card_names_the_model_that_was_trained(
    finished_project: Path, settings: dict[str, Any], name: str
) -> None:
    lineage = read_lineage(finished_project / layout.LINEAGE)
    plain = {"architecture": "recurrent", "cell": "gru", "layers": 1, "input_feeding": False}
    model = {**lineage.params["model"], **plain, **settings}
    card = model_card(
        lineage.model_copy(update={"params": {**lineage.params, "model": model}}),
        read_metrics(finished_project / layout.METRICS),
        read_training_report(finished_project / layout.TRAINING_REPORT),
        read_data_report(finished_project / layout.DATA_REPORT),
        [],
    )
    title, _, what, *_ = card.splitlines()
    assert title == f"# en-es: {name}"
    assert "- subword pieces: byte-pair encoding over bytes" in card.splitlines()
    assert f"an encoder-decoder ({name}) with " in what
    assert "attention" not in what


def test_the_card_counts_the_faults(finished_project: Path) -> None:
    metrics = read_metrics(finished_project / layout.METRICS)
    assert metrics.behaviour is not None
    assert metrics.behaviour.words is not None
    for behaviour in (metrics.behaviour, None):
        card = model_card(
            read_lineage(finished_project / layout.LINEAGE),
            metrics._replace(behaviour=behaviour),
            read_training_report(finished_project / layout.TRAINING_REPORT),
            read_data_report(finished_project / layout.DATA_REPORT),
            [],
        )
        count = metrics.behaviour.checks["empty"]
        counts = f"{count.faults} | {count.sentences} | {count.percent:.1f} %"
        line = f"| empty | {counts} | no word at all |"
        assert (line in card.splitlines()) is (behaviour is not None)
        assert ("occur neither in the training text nor in the source" in card) is bool(behaviour)
        assert ("Faults in translations were not counted." in card) is (behaviour is None)
