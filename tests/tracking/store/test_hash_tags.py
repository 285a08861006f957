"""The hashes of a run's files: one tag in MLflow, a tag for each file in Tracelate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tracking.stored_runs import add_run, empty_store
from tracelate.tracking.store.hash_tags import fold, unfold
from tracelate.tracking.store.store import connect

A, B, C = "a" * 64, "b" * 64, "c" * 64


def test_hashes_are_one_tag_of_mlflow_and_read_back_by_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path
) -> None:
    client = empty_store(tmp_path, monkeypatch, empty_database)
    store = connect()
    experiment = store.runs.find_or_create_experiment("hashes")
    run_id = store.runs.create(experiment, "run", {"sha256.data/train": A, "pair": "en-es"})
    store.runs.set_tags(run_id, {"sha256.reports/metrics.json": B})
    store.runs.set_tags(run_id, {"sha256.test_sets/news/metrics.json": C, "data": "x"})

    tags = {name: one for name, one in client.get_run(run_id).data.tags.items() if "sha" in name}
    assert set(tags) == {"sha256", "sha256.test_sets/news"}
    assert json.loads(tags["sha256"]) == {"data/train": A, "reports/metrics.json": B}
    logged = store.runs.get(run_id).tags
    assert logged["sha256.data/train"] == A
    assert logged["sha256.reports/metrics.json"] == B
    assert logged["sha256.test_sets/news/metrics.json"] == C
    assert (logged["pair"], logged["data"]) == ("en-es", "x")


def test_runs_of_older_versions_have_a_tag_for_each_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path
) -> None:
    client = empty_store(tmp_path, monkeypatch, empty_database)
    run_id = add_run(client, "older", tags={"sha256.data/train": A})
    runs = connect().runs
    assert runs.get(run_id).tags["sha256.data/train"] == A
    runs.set_tags(run_id, {"sha256.data/train": B, "sha256.data/valid": C})
    assert runs.get(run_id).tags["sha256.data/train"] == B
    assert runs.get(run_id).tags["sha256.data/valid"] == C


@pytest.mark.parametrize("value", ["", "{", "[]", "7", '{"data/train": 7}', "null"])
def test_a_damaged_tag_has_no_hash(value: str) -> None:
    assert not {"sha256.data/train"} & set(unfold({"sha256": value}))
    assert unfold(fold({"sha256.data/valid": B}, {"sha256": value})) == {"sha256.data/valid": B}
