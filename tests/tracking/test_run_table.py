"""The table of runs, from a real MLflow store."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.tracking.stored_runs import ELSEWHERE, HERE, SIGNATURE, add_run, empty_store
from tracelate.errors import InputError
from tracelate.tracking.run_table import RunScore, RunTable, run_table


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path) -> MlflowClient:
    return empty_store(tmp_path, monkeypatch, empty_database)


def names(found: RunTable) -> list[str]:
    return [row.name for row in found.rows]


def test_a_row_has_the_model_the_data_and_the_scores(store: MlflowClient) -> None:
    run_id = add_run(
        store,
        "one",
        bleu=35.5,
        params={
            "model.architecture": "recurrent",
            "model.attention": "general",
            "model.hops": 2,
            "model.cell": "lstm",
            "model.hidden_size": 384,
        },
        tags={"pair": "en-es", "mlflow.source.git.commit": "abcdef0123", "git.dirty": "true"},
    )
    for metric, value in (("test_bleu_low", 33.0), ("target_tokens_per_s", 7001.5)):
        store.log_metric(run_id, metric, value)
    store.set_terminated(run_id, "FINISHED")
    [row] = run_table("tests").rows
    assert row.run_id == run_id
    assert (row.attention, row.cell, row.hidden_size) == ("general × 2", "lstm", 384)
    assert row.scores["bleu"] == RunScore(35.5, 33.0, None)
    assert "chrf" not in row.scores
    columns = row.columns()
    assert [columns[name] for name in ("bleu", "bleu_low", "chrf", "run_id")] == [
        35.5, 33.0, None, run_id,
    ]  # fmt: skip
    assert (row.tokens_per_s, row.pair, row.status) == (7001.5, "en-es", "finished")
    assert (row.commit, row.dirty, row.test_sha256) == ("abcdef0123", True, HERE)
    assert row.started.startswith("2023-11-14T22:13")
    assert row.group == "A"


def test_a_run_without_results_is_a_row_with_gaps(store: MlflowClient) -> None:
    add_run(store, "bare")
    [row] = run_table("tests").rows
    assert (row.status, row.scores, row.group, row.attention, row.hidden_size) == (
        "running", {}, None, None, None,
    )  # fmt: skip


def test_a_transformer_has_no_cell_and_the_attention_transformer(store: MlflowClient) -> None:
    params = {
        "model.architecture": "transformer",
        "model.attention": "general",
        "model.cell": "gru",
    }
    add_run(store, "one", params=params)
    [row] = run_table("tests").rows
    assert (row.attention, row.cell) == ("transformer", None)


def test_the_newest_come_first_and_other_experiments_only_on_request(store: MlflowClient) -> None:
    add_run(store, "old")
    add_run(store, "new")
    add_run(store, "newest", experiment="others")
    assert names(run_table("tests")) == ["new", "old"]
    assert names(run_table(None)) == ["newest", "new", "old"]
    assert names(run_table("nothing")) == []
    assert [row.experiment for row in run_table(None).rows] == ["others", "tests", "tests"]


def test_a_deleted_run_has_no_row(store: MlflowClient) -> None:
    store.delete_run(add_run(store, "gone"))
    assert names(run_table("tests")) == []


def test_the_same_letter_means_the_same_test_set_and_scoring(store: MlflowClient) -> None:
    add_run(store, "here", bleu=1)
    add_run(store, "elsewhere", bleu=2, test=ELSEWHERE)
    add_run(store, "other version", bleu=3, signature=SIGNATURE.replace("2.6.0", "2.5.0"))
    add_run(store, "other seed", bleu=4, signature=SIGNATURE.replace("seed:1", "seed:2"))
    letters = {row.name: row.group for row in run_table("tests").rows}
    assert letters == {"other seed": "A", "here": "A", "other version": "B", "elsewhere": "C"}
    filtered = run_table("tests", where=["name=elsewhere"])
    assert filtered.rows[0].group == "C"  # the letter is that of the whole table


def test_a_score_ranks_runs_only_within_their_group(store: MlflowClient) -> None:
    add_run(store, "worse", bleu=20)
    add_run(store, "elsewhere", bleu=90, test=ELSEWHERE)
    add_run(store, "better", bleu=30)
    add_run(store, "unscored")
    found = run_table("tests", sort="bleu")
    assert names(found) == ["better", "worse", "elsewhere", "unscored"]
    assert found.ranks == [1, 2, 1, None]
    assert found.groups == 2


def test_a_score_without_a_test_set_has_no_rank(store: MlflowClient) -> None:
    run_id = add_run(store, "odd")
    store.log_metric(run_id, "test_bleu", 99)
    add_run(store, "known", bleu=10)
    found = run_table("tests", sort="bleu")
    assert names(found) == ["known", "odd"]
    assert found.ranks == [1, None]


def test_a_lower_ter_ranks_higher_and_speed_is_sorted_over_all_groups(store: MlflowClient) -> None:
    for name, ter, speed, test in (("a", 50, 7, HERE), ("b", 40, 5, HERE), ("c", 45, 6, ELSEWHERE)):
        run_id = add_run(store, name, bleu=1, ter=ter, test=test)
        store.log_metric(run_id, "target_tokens_per_s", speed)
    assert names(run_table("tests", where=["group!=A"], sort="ter")) == ["b", "a"]
    fastest = run_table("tests", sort="tokens_per_s")
    assert names(fastest) == ["a", "c", "b"]
    assert fastest.ranks == [None] * 3


def test_conditions_on_columns_params_and_tags_are_combined(store: MlflowClient) -> None:
    for name, layers, pair in (("a", 1, "en-es"), ("b", 2, "en-es"), ("c", 2, "en-de")):
        add_run(store, name, params={"model.layers": layers}, tags={"pair": pair})
    add_run(store, "d")
    assert names(run_table("tests", where=["pair=en-es", "model.layers=2"])) == ["b"]
    assert names(run_table("tests", where=["pair!=en-es"])) == ["d", "c"]
    assert names(run_table("tests", where=["pair="])) == ["d"]
    assert names(run_table("tests", where=[" name = a "])) == ["a"]


def test_status_is_a_condition_too(store: MlflowClient) -> None:
    store.set_terminated(add_run(store, "failed"), "FAILED")
    add_run(store, "running")
    assert names(run_table("tests", status="Failed")) == ["failed"]
    with pytest.raises(InputError, match=r"'odd' is unknown: choose from .*finished"):
        run_table("tests", status="odd")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("pair", "is not a condition: write it as"),
        ("=3", "is not a condition"),
        ("model.layer=1", r"no run has 'model\.layer': did you mean model\.layers\?"),
        ("zzz=1", "no run has 'zzz': name a column"),
    ],
)
def test_a_condition_on_an_unknown_name_is_refused(
    store: MlflowClient, condition: str, expected: str
) -> None:
    add_run(store, "a", params={"model.layers": 1})
    with pytest.raises(InputError, match=expected):
        run_table("tests", where=[condition])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("sort", "order"), [("bleu", ["good", "bad"]), ("ter", ["good", "bad"])])
def test_a_score_that_is_not_finite_comes_last_in_either_direction(
    store: MlflowClient, value: float, sort: str, order: list[str]
) -> None:
    add_run(store, "bad", bleu=20.0)
    add_run(store, "broken", bleu=value, ter=value)
    add_run(store, "good", bleu=30.0)
    found = run_table("tests", sort=sort)
    assert names(found) == [*order, "broken"]
    assert found.ranks == [1, 2, None]
    assert found.rows[-1].columns()[sort] is None


def test_a_speed_that_is_not_finite_comes_last(store: MlflowClient) -> None:
    for name, value in (("slow", 1.0), ("broken", math.nan), ("fast", 2.0)):
        store.log_metric(add_run(store, name), "tokens_per_s", value)
    found = run_table("tests", sort="tokens_per_s")
    assert names(found) == ["fast", "slow", "broken"]
    assert found.rows[-1].tokens_per_s is None


def test_an_unknown_sort_key_is_refused() -> None:
    with pytest.raises(InputError, match=r"cannot sort by 'blue': choose from started, bleu"):
        run_table("tests", sort="blue")


def test_a_limit_keeps_the_first_rows_and_counts_the_rest(store: MlflowClient) -> None:
    for name in "abc":
        add_run(store, name)
    found = run_table("tests", limit=2)
    assert (names(found), len(found.ranks), found.left_out) == (["c", "b"], 2, 1)
    assert run_table("tests", limit=3).left_out == 0
