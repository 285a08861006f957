"""Several sources as one corpus, up to the output of prepare."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.download import main as download
from pipeline.prepare import main as prepare
from tests.three_sources import (
    ADDRESS,
    LICENCES,
    MAX_OWN_PAIRS,
    OWN_PAIRS,
    WEB_PAIRS,
    three_sources,
    write_three_sources,
)
from tests.tiny_corpus import PROJECT, write_params
from tracelate.config import load_params
from tracelate.corpus.exclusion import selection
from tracelate.corpus.mixture import source_of
from tracelate.corpus.pairs import read_pairs
from tracelate.corpus.raw import raw_files
from tracelate.corpus.sources.choose import choose_source, read_provenance
from tracelate.corpus.sources.several import SourcesProvenance
from tracelate.corpus.sources.source import Corpus
from tracelate.errors import InputError
from tracelate.layout import PROVENANCE, RAW

NAMES = ["web", "app", "own"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACELATE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def read(sources: dict[str, Any]) -> Corpus:
    write_params(Path(), {"download.corpus": "sources", "download.sources": sources})
    return choose_source(load_params().download).read()


def text_files(name: str, count: int, **splits: int) -> dict[str, Any]:
    """Writes line-aligned files with so many lines, and returns their settings."""
    Path("corpora").mkdir(exist_ok=True)
    files: dict[str, Any] = {"licence": "CC0-1.0"}
    for split, lines in {"train": count, **splits}.items():
        files[split] = {}
        for side in ("source", "target"):
            path = Path(f"corpora/{name}.{split}.{side}")
            path.write_text("".join(f"{side} {split} {n}\n" for n in range(lines)))
            files[split][side] = str(path)
    return {"files": files}


def sizes(corpus: Corpus) -> dict[str, int]:
    return {split: table.num_rows for split, table in corpus.splits.items()}


def refusal(sources: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        read(sources)
    [line] = str(caught.value).splitlines()
    return line


def test_three_sources_are_mixed_by_weight_up_to_the_output_of_prepare(folder: Path) -> None:
    write_three_sources()
    download()
    prepare()
    raw = {path.stem: read_pairs(path) for path in raw_files(RAW)[:-1] if path.exists()}
    assert {
        split: Counter(source_of(one.origin) for one in pairs) for split, pairs in raw.items()
    } == {
        "train": {"web": WEB_PAIRS, "own": MAX_OWN_PAIRS},
        "all": {"app": 663},
    }
    report = json.loads(Path("reports/data.json").read_text())
    splits = {
        name: read_pairs(Path(f"data/prepared/{name}.parquet"))
        for name in ("train", "valid", "test")
    }
    # only the source without `splits: [train]` is divided
    assert {source_of(pair.origin) for name in ("valid", "test") for pair in splits[name]} == {
        "app"
    }
    counts = Counter(source_of(one.origin) for one in splits["train"])
    assert counts == {name: report["sources"][name]["training_pairs"] for name in NAMES}
    kept = {name: report["sources"][name]["kept"]["train"] for name in NAMES}
    assert counts["own"] == 2 * kept["own"] and counts["app"] == kept["app"]
    # half of about 300, standard deviation 9
    assert abs(counts["web"] - kept["web"] / 2) < 45
    assert report["kept"] == sum(sum(report["sources"][name]["kept"].values()) for name in NAMES)
    assert report["read"] == WEB_PAIRS + MAX_OWN_PAIRS + 663
    assert report["read"] == report["kept"] + sum(report["dropped"].values())
    assert report["splits"]["train"]["pairs"] == len(splits["train"])
    assert report["leakage"]["test"]["exact_source"] == 0


def test_the_name_of_a_source_selects_its_pairs_by_their_origin(folder: Path) -> None:
    write_three_sources()
    download()
    web = selection([], ["web"])
    assert web.count_in(RAW / "train.parquet") == WEB_PAIRS
    assert web.count_in(RAW / "all.parquet") == 0
    member = selection([], ["web:Web.en-es.en", "own:corpora/own.tsv"])
    assert member.count_in(RAW / "train.parquet") == WEB_PAIRS + MAX_OWN_PAIRS


def test_a_file_outside_corpora_is_refused_by_the_name_of_its_source(folder: Path) -> None:
    sources = {"one": text_files("one", 5)}
    Path("elsewhere").write_text("a\n" * 5)
    sources["one"]["files"]["train"]["target"] = "elsewhere"
    write_params(Path(), {"download.corpus": "sources", "download.sources": sources})
    with pytest.raises(InputError, match=r"elsewhere \(download\.sources\.one\) lies outside"):
        download()


def test_the_provenance_names_each_source_with_licence_hashes_and_counts(folder: Path) -> None:
    write_three_sources()
    download()
    provenance = read_provenance(PROVENANCE)
    assert isinstance(provenance, SourcesProvenance)
    assert provenance.title == (
        "corpora.example/v1/moses/en-es.txt.zip + tinycatalogs 1.0 + local documents"
    )
    assert provenance.licence == "CC-BY-4.0 AND Apache-2.0 AND proprietary"
    assert [one.name for one in provenance.sources] == NAMES
    assert [one.provenance.licence for one in provenance.sources] == list(LICENCES.values())
    assert [one.weight for one in provenance.sources] == [0.5, 1.0, 2.0]
    assert [one.pairs for one in provenance.sources] == [
        {"train": WEB_PAIRS},
        {"all": 663},
        {"train": MAX_OWN_PAIRS},
    ]
    assert provenance.sources[2].provenance.pairs == {"all": OWN_PAIRS}
    assert provenance.sources[2].provenance.target_language == "es_MX"
    assert len(provenance.hashes) == 3
    written = json.loads(PROVENANCE.read_text())
    assert written["sources"][0]["provenance"]["address"] == ADDRESS
    assert list(written) == [
        "corpus",
        "sources",
        "licence",
        "source_language",
        "target_language",
        "pairs",
    ]
    assert str(folder) not in PROVENANCE.read_text()


def test_the_files_of_every_source_are_found_by_its_own_settings(folder: Path) -> None:
    sources = three_sources()
    corpus = read(sources)
    settings = load_params().download.model_dump()["sources"]
    parts = corpus.provenance.parts(settings)
    assert [part.name for part in parts] == NAMES
    assert [part.provenance.in_project for part in parts] == [False, False, True]
    files = corpus.provenance.files_on_disk(settings, folder)
    assert [file.name for file in files] == [
        "corpora.example/v1/moses/en-es.txt.zip (archive)",
        "tinycatalogs 1.0 (wheel)",
        "corpora/own.tsv",
    ]
    assert all(file.path.is_file() for file in files)
    del settings["own"]
    with pytest.raises(InputError, match=r"no download\.sources\.own\.documents: restore"):
        corpus.provenance.parts(settings)


def test_groups_and_origins_of_different_sources_differ(folder: Path) -> None:
    corpus = read({"a": text_files("same", 3), "b": text_files("same", 3)})
    [table] = corpus.splits.values()
    assert len(set(table["group"].to_pylist())) == 6
    assert table["origin"].to_pylist()[::3] == [
        "a:same.train.source:1",
        "b:same.train.source:1",
    ]


@pytest.mark.parametrize(
    ("splits", "ready_made", "expected"),
    [
        (None, {}, {"all": 5}),
        (None, {"test": 2}, {"all": 5, "test": 2}),
        (None, {"valid": 3, "test": 2}, {"train": 5, "valid": 3, "test": 2}),
        (["train"], {}, {"train": 5}),
        (["train"], {"valid": 3, "test": 2}, {"train": 5}),
        (["train", "test"], {"valid": 3, "test": 2}, {"train": 5, "test": 2}),
        (["valid", "train", "test"], {}, {"all": 5}),
    ],
)
def test_a_source_gives_the_splits_that_are_asked_of_it(
    folder: Path, splits: list[str] | None, ready_made: dict[str, int], expected: dict[str, int]
) -> None:
    corpus = read({"one": {**text_files("one", 5, **ready_made), "splits": splits}})
    assert sizes(corpus) == expected
    assert corpus.provenance.pairs == expected


def test_the_test_split_may_come_from_one_source_alone(folder: Path) -> None:
    corpus = read(
        {
            "large": {**text_files("large", 9), "splits": ["train"]},
            "clean": {**text_files("clean", 4), "splits": ["test"]},
        }
    )
    assert sizes(corpus) == {"train": 9, "test": 4}
    assert set(corpus.splits["test"]["group"].to_pylist()) == {
        f"clean:source train {n}" for n in range(4)
    }


def test_max_pairs_limits_the_training_text_and_no_other(folder: Path) -> None:
    one = {**text_files("one", 50, valid=30, test=20), "max_pairs": 10}
    corpus = read({"one": one})
    assert sizes(corpus) == {"train": 10, "valid": 30, "test": 20}
    assert corpus.remarks == ["one: 60 of 100 pairs of local files (train 10, valid 30, test 20)"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"splits": ["valid", "test"]}, "so it cannot give valid and test: name one of them"),
        ({"splits": ["test"]}, "no source in download.sources gives training text"),
        ({"target_language": "en"}, "download.sources.one has 'en' on both sides"),
    ],
)
def test_what_no_corpus_can_be_made_of_is_refused(
    folder: Path, change: dict[str, Any], reason: str
) -> None:
    assert reason in refusal({"one": {**text_files("one", 5), **change}})


def test_a_split_that_a_source_does_not_have_is_named(folder: Path) -> None:
    one = {**text_files("one", 5, test=2), "splits": ["train", "valid"]}
    assert refusal({"one": one}) == (
        "download.sources.one has the splits train, test and no valid: change its splits"
    )


def test_messages_name_the_source(folder: Path) -> None:
    one = text_files("one", 5)
    Path("corpora/one.train.source").unlink()
    assert "(download.sources.one.files) is missing" in refusal({"one": one})
    two = {"documents": {"train": ["corpora/none.tmx"], "licence": "CC0-1.0"}}
    assert "corpora/none.tmx (download.sources.two.documents) is missing" in refusal({"two": two})


@pytest.mark.parametrize(
    ("sources", "reason"),
    [
        ({}, "download: corpus is sources, and sources is missing: add it"),
        ({"Two Words": {"weight": 1}}, "download.sources.Two Words is 'Two Words': "),
        ({"one": {"weight": 2}}, "it has no section: give it one of catalogs, hub, files"),
        ({"one": {"wieght": 2}}, "download.sources.one.wieght is not a setting: did you mean we"),
        (
            {"one": {"archive": {"adress": "https://host/a"}}},
            "download.sources.one.archive.adress is not a setting: did you mean address?",
        ),
    ],
)
def test_wrong_settings_are_named_with_their_place(
    folder: Path, sources: dict[str, Any], reason: str
) -> None:
    assert reason in refusal(sources)


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("weight", 0, "greater than 0"),
        ("weight", 1e6, "since the text is written as often"),
        ("max_pairs", 0, "greater than or equal to 1"),
        ("splits", [], "at least 1 item"),
        ("splits", ["dev"], "should be 'train', 'valid' or 'test'"),
        ("splits", ["train", "train"], "name each once"),
        ("hub", {"name": "a/b", "revision": "main", "licence": "x"}, "it has hub and files"),
    ],
)
def test_wrong_values_of_a_source_are_refused(
    folder: Path, setting: str, value: object, reason: str
) -> None:
    assert reason in refusal({"one": {**text_files("one", 5), setting: value}})


def test_the_projects_own_corpus_is_the_single_one(folder: Path) -> None:
    config = load_params(PROJECT / "params.yaml").download
    assert (config.corpus, config.sources) == ("catalogs", {})
