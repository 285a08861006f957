"""From a text or a corpus to the runs, versions and aliases that it has reached."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lineage.test_lineage import register
from tests.tracking.stored_runs import mlflow_client
from tracelate.cli.main import main
from tracelate.config import load_params
from tracelate.corpus.pairs import read_pairs
from tracelate.layout import PARAMS, PREPARED, TEST, TRAIN
from tracelate.metric_table import METRICS
from tracelate.tracking.runs.sync import sync_project


@pytest.fixture(scope="module")
def project(finished_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the project with a registered version, and a run of a corpus of another name."""
    folder = tmp_path_factory.mktemp("recalled")
    for room in ("models", "reports", "data"):
        shutil.copytree(finished_project / room, folder / room)
    shutil.copyfile(finished_project / PARAMS, folder / PARAMS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.setenv("DVC_ROOT", str(folder))
        patch.chdir(folder)
        sync_project()
        client = mlflow_client()
        register(client)
        tags = {"data": "0" * 12, "corpus": "another 1.0"}
        experiment = client.get_experiment_by_name("tracelate")
        assert experiment is not None
        client.create_run(experiment.experiment_id, tags=tags)
        client.create_run(experiment.experiment_id)
        yield folder


def recall(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *options: str
) -> tuple[int, str]:
    """Exit status and output of the command."""
    monkeypatch.setattr(sys, "argv", ["tracelate", "recall", *options])
    try:
        main()
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    printed = capsys.readouterr()
    return status, printed.out + printed.err


def found(capsys: Any, monkeypatch: Any, *options: str) -> Any:
    return json.loads(recall(capsys, monkeypatch, *options, "--json")[1])


@pytest.mark.parametrize(
    "options",
    [["--corpus", "tinycatalogs"], ["--corpus", "tinycatalogs 1.0"], ["--licence", "apache-2.0"]],
)
def test_a_corpus_leads_to_run_scores_version_and_alias(
    project: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
) -> None:
    document = found(capsys, monkeypatch, *options)
    [run] = document["runs"]
    assert document["searched_runs"] == 2
    assert run["corpus"] == "tinycatalogs 1.0"
    assert run["versions"] == ["en-es/1"] and run["aliases"] == ["en-es@champion"]
    assert set(run["scores"]) == set(METRICS)
    assert len(run["models"]) == 1 and run["pairs"] is None


def test_another_corpus_has_its_own_run(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    [run] = found(capsys, monkeypatch, "--corpus", "another")["runs"]
    assert run["corpus"] == "another 1.0" and run["versions"] == []
    assert recall(capsys, monkeypatch, "--corpus", "anoth") == (0, "0 of 2 runs were reached\n")


@pytest.mark.parametrize("split", [TRAIN, TEST])
def test_a_sentence_is_found_in_its_split_with_its_count(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, split: Path
) -> None:
    pairs = read_pairs(split)
    wanted = pairs[0].target
    count = sum(wanted in (pair.source, pair.target) for pair in pairs)
    document = found(capsys, monkeypatch, "--pair", f"\ufeff  {wanted}\t")
    [run] = document["runs"]
    assert run["pairs"][split.stem] == count
    [unknown] = document["unknown"]
    assert unknown["data"] == "0" * 12


def test_data_that_are_nowhere_are_named_and_the_status_is_1(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = read_pairs(TRAIN)[0].source
    kept = PREPARED.rename("moved")
    try:
        status, text = recall(capsys, monkeypatch, "--pair", wanted)
        assert status == 1
        assert "0 of 2 runs were reached" in text
        assert "data/prepared/train.parquet" in text and "dvc fetch --all-commits" in text
        cached = Path(".dvc/cache/files/md5/ab")
        cached.mkdir(parents=True)
        for number, path in enumerate(sorted(kept.iterdir())):
            shutil.copyfile(path, cached / f"{number}")
        (cached / "other").write_text("no parquet file")
        [run] = found(capsys, monkeypatch, "--pair", wanted)["runs"]
        assert run["pairs"]["train"] >= 1
    finally:
        kept.rename(PREPARED)
        shutil.rmtree(".dvc")


def test_excluded_pairs_are_written_to_params_and_not_prepared_again(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.prepare import main as prepare

    pairs = read_pairs(TRAIN)
    text, origin = pairs[0].source, pairs[-1].origin
    before, comments = load_params(), PARAMS.read_text().count("#")
    options = ["--pair", text, "--origin", origin]
    _, printed = recall(capsys, monkeypatch, *options)
    assert "--exclude && dvc repro" in printed
    assert load_params() == before
    for _ in range(2):
        _, printed = recall(capsys, monkeypatch, *options, "--exclude")
        assert "params.yaml excludes it now: run `dvc repro`" in printed
    assert load_params().prepare.excluded.model_dump() == {"texts": [text], "origins": [origin]}
    assert PARAMS.read_text().count("#") == comments
    prepare()
    left = [pair for path in PREPARED.iterdir() for pair in read_pairs(path)]
    assert not [pair for pair in left if text in (pair.source, pair.target)]
    assert not [pair for pair in left if pair.origin == origin]
    assert len(left) > len(pairs) / 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "give one of --corpus, --licence, or --pair and --origin"),
        (["--corpus", "a", "--pair", "b"], "give one of"),
        (["--pair", " "], "must not be empty"),
        (["--corpus", "a", "--exclude"], "--exclude belongs to --pair and --origin"),
    ],
)
def test_wrong_options_are_one_line(
    project: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    message: str,
) -> None:
    status, text = recall(capsys, monkeypatch, *options)
    assert status == 1 and text.startswith("error: ") and message in text
    assert text.count("\n") == 1
