"""Runs that differ only by their seed, in a real MLflow store."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.tracking.stored_runs import ELSEWHERE, add_run, empty_store
from tracelate.errors import InputError
from tracelate.tracking.references.references import resolve
from tracelate.tracking.seed_runs import runs_of_all_seeds


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path) -> MlflowClient:
    return empty_store(tmp_path, monkeypatch, empty_database)


def add(store: MlflowClient, seed: int, bleu: float = 30.0, **changes: Any) -> str:
    params = {"train.seed": seed, "train.epochs": 3, "runtime.devices": seed}
    run_id = add_run(
        store,
        changes.pop("name", f"seed {seed}"),
        bleu=bleu,
        params=params | changes.pop("params", {}),
        tags={"data": "abc"} | changes.pop("tags", {}),
        **changes,
    )
    store.log_metric(run_id, "test_chrf", 50.0)
    return run_id


def test_only_runs_that_differ_by_nothing_but_the_seed_are_found(store: MlflowClient) -> None:
    ids = [add(store, seed, bleu) for seed, bleu in ((10, 31.0), (2, 32.0))]
    add(store, 3, params={"train.epochs": 4})
    add(store, 4, tags={"data": "other"})
    add(store, 5, test=ELSEWHERE)
    add(store, 6, signature="nrefs:1|version:1.0.0")
    add(store, 7, experiment="others")
    add_run(store, "not scored", params={"train.seed": 8, "train.epochs": 3}, tags={"data": "abc"})
    for reference in (*ids, "seed 2"):
        found = runs_of_all_seeds(resolve(reference))
        assert [(one.seed, one.run_id) for one in found] == [(2, ids[1]), (10, ids[0])]
        assert [one.scores["bleu"] for one in found] == [32.0, 31.0]


def test_a_score_that_is_nan_is_not_a_score(store: MlflowClient) -> None:
    run_id = add(store, 1)
    add(store, 2, bleu=math.nan)
    [one, other] = runs_of_all_seeds(resolve(run_id))
    assert "bleu" in one.scores
    assert sorted(other.scores) == ["chrf"]


def test_a_seed_has_one_run_the_newest_or_the_one_that_is_named(store: MlflowClient) -> None:
    old, _, new = add(store, 1, name="old"), add(store, 1), add(store, 1, name="new")
    other = add(store, 2)
    assert [one.run_id for one in runs_of_all_seeds(resolve(other))] == [new, other]
    assert [one.run_id for one in runs_of_all_seeds(resolve("old"))] == [old, other]


def test_a_run_without_scores_or_seed_is_refused(store: MlflowClient) -> None:
    add_run(store, "not scored", params={"train.seed": 1})
    add_run(store, "no seed", bleu=30.0)
    for name in ("not scored", "no seed"):
        with pytest.raises(InputError, match=f"{name} .* was not trained with a seed and scored"):
            runs_of_all_seeds(resolve(name))
