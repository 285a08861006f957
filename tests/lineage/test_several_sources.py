"""A model of several sources: each is named with its licence by all that describes the model."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from rich.console import Console

from pipeline.download import main as download
from tests.three_sources import LICENCES, write_three_sources
from tests.tiny_corpus import PROJECT
from tracelate import layout
from tracelate.cli.lineage_tree import print_chain
from tracelate.config import load_params
from tracelate.corpus.data_report import read_data_report
from tracelate.corpus.sources.choose import read_provenance
from tracelate.errors import InputError
from tracelate.evaluation.lineage import Lineage, lineage_document, parse_lineage, read_lineage
from tracelate.evaluation.metrics_file import read_metrics
from tracelate.files import write_json
from tracelate.lineage import replay as replaying
from tracelate.lineage.bill_of_materials import bill_of_materials
from tracelate.lineage.chain import Chain
from tracelate.lineage.checks import check_corpus, check_lineage
from tracelate.lineage.recall import RecallQuery, recall
from tracelate.lineage.replay_plan import describe_replay, refuse_files_outside_project
from tracelate.tracking.packages.model_card import model_card
from tracelate.tracking.store.records import StoredRun
from tracelate.tracking.store.store import Store
from tracelate.training.report import read_training_report

OLD = PROJECT / "tests/formats/0.1"
TITLES = {
    "web": "corpora.example/v1/moses/en-es.txt.zip",
    "app": "tinycatalogs 1.0",
    "own": "local documents",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three sources that were read."""
    folder = tmp_path_factory.mktemp("several")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("TRACELATE_CACHE", str(folder / "cache"))
        write_three_sources()
        download()
    return folder


@pytest.fixture(autouse=True)
def cache(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACELATE_CACHE", str(project / "cache"))


@pytest.fixture
def lineage(project: Path) -> Lineage:
    """A lineage of another model, with this corpus and these settings."""
    provenance = read_provenance(project / layout.PROVENANCE)
    params = load_params(project / layout.PARAMS).model_dump(mode="json")
    old = read_lineage(OLD / layout.LINEAGE)
    changed = old.model_copy(update={"provenance": provenance, "params": params})
    return parse_lineage(lineage_document(changed), "the lineage")


def test_the_lineage_is_read_as_it_was_written_and_has_the_settings_of_each_source(
    lineage: Lineage,
) -> None:
    assert parse_lineage(lineage_document(lineage), "the lineage") == lineage
    assert {part.name: part.provenance.licence for part in lineage.corpus_parts} == LICENCES
    document = lineage_document(lineage)
    del document["params"]["download"]["sources"]["own"]
    with pytest.raises(InputError, match=r"has the source 'own', and the settings have no"):
        parse_lineage(document, "the lineage")


def test_the_model_card_names_each_source_with_licence_counts_and_hash(lineage: Lineage) -> None:
    card = model_card(
        lineage,
        read_metrics(OLD / layout.METRICS),
        read_training_report(OLD / layout.TRAINING_REPORT),
        read_data_report(OLD / layout.DATA_REPORT),
        [],
    )
    read = {"web": "train 300", "app": "all 663", "own": "train 40"}
    weights = {"web": "0.5", "app": "1", "own": "2"}
    for name, title in TITLES.items():
        assert (
            f"- corpus {name}: {title}, licence {LICENCES[name]}; pairs read: {read[name]}; "
            f"weight {weights[name]}"
        ) in card
    assert "- It has seen text of 3 sources only" in card
    for part in lineage.corpus_parts[:2]:
        assert f"| {part.provenance.title} | `{part.provenance.hashes[0][:12]}` |" in card


def test_the_bill_of_materials_has_a_component_for_each_source(lineage: Lineage) -> None:
    document = bill_of_materials(lineage, None, [], name="en-es", version="1")
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(json.dumps(document)) is None
    corpus = document["components"][0]
    parts = {part["bom-ref"]: part for part in corpus["components"]}
    datasets = document["metadata"]["component"]["modelCard"]["modelParameters"]["datasets"]
    found = [parts[one["ref"]] for one in datasets]
    assert [one["name"] for one in found] == list(TITLES.values())
    assert [one["licenses"][0]["license"]["name"] for one in found] == list(LICENCES.values())
    assert [one["hashes"][0]["content"] for one in found[:2]] == [
        part.provenance.hashes[0] for part in lineage.corpus_parts[:2]
    ]
    assert [one["license"]["name"] for one in corpus["licenses"]] == list(LICENCES.values())
    assert "hashes" not in found[2]


def test_the_chain_prints_each_source(lineage: Lineage) -> None:
    output = io.StringIO()
    chain = Chain("run", lineage, metrics=None, run=None, version=None, commit_subject=None)
    print_chain(Console(file=output, width=300), chain)
    for name, title in TITLES.items():
        [line] = [one for one in output.getvalue().splitlines() if f"{name}: {title}" in one]
        assert line.endswith(f"licence {LICENCES[name]}")


def test_every_file_of_every_source_is_verified(
    project: Path, lineage: Lineage, tmp_path: Path
) -> None:
    checks = list(check_corpus(project, lineage))
    assert [(check.place, check.what, check.verdict) for check in checks] == [
        ("the cache", f"{TITLES['web']} (archive)", "same"),
        ("the cache", f"{TITLES['app']} (wheel)", "same"),
        ("the corpus", "corpora/own.tsv", "same"),
    ]
    assert [check.verdict for check in check_corpus(tmp_path, lineage)][2] == "not here"
    stated = [check for check in check_lineage(lineage) if "that of the settings" in check.what]
    assert [(check.what, check.verdict) for check in stated] == [
        ("the corpus web is that of the settings", "same"),
        ("the corpus app is that of the settings", "same"),
    ]
    lineage.params["download"]["sources"]["web"]["archive"]["sha256"] = "0" * 64
    assert [check.verdict for check in check_lineage(lineage)].count("differs") == 1


def test_a_replay_copies_the_files_of_the_project_and_names_each_source(
    project: Path, lineage: Lineage, tmp_path: Path
) -> None:
    replaying._copy_corpus(project, tmp_path, lineage)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["own.tsv"]
    described = [line for line in describe_replay(lineage, project) if line.startswith("corpus:")]
    assert [title in line for title, line in zip(TITLES.values(), described, strict=True)] == [
        True
    ] * 3
    refuse_files_outside_project(lineage)
    lineage.params["download"]["sources"]["own"]["documents"]["train"] = ["/etc/passwd"]
    with pytest.raises(InputError, match=r"'/etc/passwd' \(download\.sources\.own\.documents\)"):
        refuse_files_outside_project(lineage)


def store_of(lineage: Lineage, folder: Path) -> Store:
    """A store with one run, which has this lineage."""
    run = StoredRun(
        run_id="1" * 32,
        name="run",
        experiment_id="1",
        status="FINISHED",
        is_deleted=False,
        started_ms=0,
        artifact_uri="",
        params={},
        tags={"data": "0" * 12, "corpus": lineage.corpus},
        metrics={},
        model_ids=(),
    )

    def download_file(run_id: str, path: str, to: Path) -> Path:
        write_json(folder / "lineage.json", lineage_document(lineage))
        return Path(shutil.copy(folder / "lineage.json", to))

    runs = SimpleNamespace(
        experiments=lambda: [SimpleNamespace(experiment_id="1")],
        search=lambda experiments: [run],
        download_file=download_file,
    )
    registry = SimpleNamespace(versions=list, search=list)
    return Store(*(cast(Any, one) for one in (runs, None, registry)))


@pytest.mark.parametrize(
    ("query", "is_reached"),
    [
        *((RecallQuery(licence=licence.upper()), True) for licence in LICENCES.values()),
        (RecallQuery(licence="CC-BY-4.0 AND Apache-2.0 AND proprietary"), True),
        (RecallQuery(licence="CC-BY"), False),
        *((RecallQuery(corpus=title), True) for title in TITLES.values()),
        (RecallQuery(corpus="tinycatalogs"), True),
        (RecallQuery(corpus="tiny"), False),
    ],
)
def test_the_licence_or_the_name_of_any_source_leads_to_the_run(
    lineage: Lineage, tmp_path: Path, query: RecallQuery, is_reached: bool
) -> None:
    found = recall(store_of(lineage, tmp_path), query)
    assert bool(found.runs) is is_reached
    assert (found.searched_runs, found.unknown) == (1, [])
