"""The table of runs on terminals of any width."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from tracelate.cli.runs_table import table_of_runs
from tracelate.tracking.run_table import RunRow, RunScore, RunTable, settings_that_differ

ROW = RunRow(
    run_id="d995d38c" + "0" * 24,
    name="en-es general",
    experiment="tracelate",
    status="finished",
    started="2023-11-14T22:13:20+00:00",
    pair="en-es",
    test_sha256="1b79bd4c" + "0" * 56,
    architecture="recurrent",
    attention="general",
    cell="gru",
    hidden_size=384,
    scores={
        "bleu": RunScore(46.4, 44.7, 48.2),
        "chrf": RunScore(63.9),
        "ter": RunScore(48.1),
    },
    tokens_per_s=7112.0,
    commit="f86f1fc5",
    dirty=False,
    group="A",
)
OTHER = ROW._replace(
    run_id="71acafbd" + "0" * 24,
    status="failed",
    started="2023-11-15T22:13:20+00:00",
    attention="local_p × 2",
    scores={**ROW.scores, "chrf": RunScore(50.5), "ter": RunScore(60.2)},
    tokens_per_s=600.0,
    commit="5f57bb15",
    group=None,
)


def shown(rows: list[RunRow], width: int) -> str:
    found = RunTable(rows, [None] * len(rows), groups=0, left_out=0)
    table = table_of_runs(found, ranked_by=None, with_experiment=False, width=width)
    output = StringIO()
    Console(file=output, width=width).print(table)
    return output.getvalue()


def test_values_that_all_runs_share_are_shown_once() -> None:
    text = shown([ROW, OTHER], 200)
    assert "All: pair en-es, test set 1b79bd4c, cell gru, size 384." in text
    assert text.count("384") == 1
    assert "local_p × 2" in text and "f86f1fc" in text and "finished" in text


def test_a_single_run_is_shown_with_all_its_values() -> None:
    text = shown([ROW._replace(cell=None)], 200)
    assert "All:" not in text
    assert "384" in text and "cell" not in text


def test_a_narrow_terminal_omits_columns_and_truncates_none() -> None:
    wide, narrow = shown([ROW, OTHER], 200), shown([ROW, OTHER], 80)
    assert "wider terminal" not in wide
    assert "A wider terminal, or --json, shows started" in " ".join(narrow.split())
    for text in ("d995d38c", "71acafbd", "en-es general", "46.4 (44.7–48.2)", "local_p × 2"):
        assert text in narrow
    for text in (wide, narrow):
        assert "…" not in text


def test_the_settings_in_which_runs_differ_are_shown() -> None:
    params = {
        "train.seed": "1",
        "train.dropout": "0.3",
        "model.cell": "gru",
        "runtime.threads": "1",
    }
    others = {**params, "train.seed": "2", "runtime.threads": "2"}
    text = shown([ROW._replace(params=params), OTHER._replace(params=others)], 200)
    assert "seed 1" in text and "seed 2" in text
    assert "dropout" not in text and "threads" not in text


def test_many_differing_settings_are_counted() -> None:
    first = {f"train.setting_{number}": "1" for number in range(7)}
    second = dict.fromkeys(first, "2")
    text = shown([ROW._replace(params=first), OTHER._replace(params=second)], 250)
    assert "setting_3 2, 3 more (--json)" in text
    assert "setting_4" not in text


def test_settings_of_the_same_last_name_are_shown_in_full() -> None:
    first = {"train.seed": "1", "evaluate.seed": "1"}
    second = {"train.seed": "2", "evaluate.seed": "2"}
    text = shown([ROW._replace(params=first), OTHER._replace(params=second)], 200)
    assert "train.seed 2, evaluate.seed 2" in text


def test_a_setting_that_an_older_run_lacks_is_left_out_of_it() -> None:
    first, second = {"train.new": "1"}, {"train.new": "2"}
    rows = [ROW._replace(params=first), OTHER._replace(params=second), OTHER]
    assert settings_that_differ(rows) == [{"new": "1"}, {"new": "2"}, {}]


def test_hashes_are_left_out_and_long_values_are_shortened() -> None:
    first = {"download.catalogs.sha256": "1" * 64, "download.files.test": "a" * 90}
    second = {"download.catalogs.sha256": "2" * 64, "download.files.test": "b" * 90}
    text = shown([ROW._replace(params=first), OTHER._replace(params=second)], 250)
    assert f"test {'a' * 39}…" in text
    assert "sha256" not in text and "1" * 64 not in text
