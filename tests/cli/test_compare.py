"""`tracelate compare` and `tracelate runs` as people and machines run them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.image import imread

from tests.cli.conftest import Run
from tests.evaluation.results import evidence, some_references, translate_badly, write_evidence
from tracelate.tracking.runs.runs import start_run

REFERENCES = some_references(60)
BAD = evidence("bad", translate_badly(REFERENCES, 0.5, 1), REFERENCES)
GOOD = evidence("good", translate_badly(REFERENCES, 0.1, 2), REFERENCES)


@pytest.fixture
def folder(folder: Path) -> Path:
    """With two evaluations."""
    for one in (BAD, GOOD):
        write_evidence(folder / one.name, one)
    return folder


def test_compare_says_which_is_better_by_which_metric_and_where(folder: Path, run: Run) -> None:
    done = run("compare", "bad", "good", "--sentences", "2", "--output", "out")
    assert done.status == 0, done.stderr
    assert done.stderr == "written: out\n"  # no progress where no one looks
    assert done.stdout.count("B better") == 4
    for text in (
        "bad",
        "good",
        "BLEU",
        "chrF",
        "TER",
        "60 test sentences",
        "translated differently",
    ):
        assert text in done.stdout
    document = json.loads((folder / "out/comparison.json").read_text(encoding="utf-8"))
    assert document["scores"]["bleu"]["verdict"] == "better"
    assert imread(folder / "out/difference_by_source_length.png").ndim == 3


def test_compare_lists_the_settings_that_differ(folder: Path, run: Run) -> None:
    for name, params in (
        ("bad", {"train": {"seed": 1, "epochs": 4}, "model": {"cell": "gru"}}),
        ("good", {"train": {"seed": 1, "epochs": 14}, "model": {"cell": "[lstm]"}}),
    ):
        made, _ = start_run("tracelate", name, {})
        made.log_params({**params, "download": {"sha256": name[0] * 3}, "registry": {"name": name}})
        made.log_files(sorted((folder / name).iterdir()), "evaluation")
        (folder / name).rename(folder / f"{name}.files")
    done = run("compare", "bad", "good")
    rows = [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in done.stdout.splitlines()
        if line.startswith("│")
    ]
    assert ["epochs", "4", "14"] in rows and ["cell", "gru", "[lstm]"] in rows
    assert "Settings that differ" in done.stdout and "seed" not in [row[0] for row in rows]
    run("compare", "bad", "good", "--output", "out")
    printed = json.loads(run("compare", "bad", "good", "--json").stdout)
    written = json.loads((folder / "out/comparison.json").read_text(encoding="utf-8"))
    for document in (printed, written):
        assert document["differing_settings"] == {
            "train.epochs": {"a": "4", "b": "14"},
            "model.cell": {"a": "gru", "b": "[lstm]"},
            "download.sha256": {"a": "bbb", "b": "ggg"},
        }
    assert "No setting that changes a result differs." in run("compare", "bad", "bad").stdout


def test_settings_that_are_not_known_are_said_to_be_so(folder: Path, run: Run) -> None:
    done = run("compare", "bad", "good")
    assert "The settings of A and B are not known" in done.stdout
    document = json.loads(run("compare", "bad", "good", "--json").stdout)
    assert document["differing_settings"] is None


def test_too_few_sentences_are_said_to_be_too_few(folder: Path, run: Run) -> None:
    for name, share, seed in (("few-a", 0.30, 5), ("few-b", 0.32, 6)):
        made = evidence(name, translate_badly(REFERENCES[:20], share, seed), REFERENCES[:20])
        write_evidence(folder / name, made)
    done = run("compare", "few-a", "few-b")
    assert done.stdout.count("not shown") == 4
    assert re.search(
        r"BLEU: too few sentences to show a difference of [0-9.]+: 20 show one of [0-9.]+ with a "
        r"probability of 80 %\.",
        done.stdout,
    )
    for one in json.loads(run("compare", "few-a", "few-b", "--json").stdout)["scores"].values():
        assert one["verdict"] == "not shown" and one["low"] <= 0 <= one["high"]
        assert abs(one["difference"]) < one["power"]["smallest_detectable"]


def test_the_interval_and_its_title_follow_the_level(folder: Path, run: Run) -> None:
    wide, narrow = (
        json.loads(run("compare", "bad", "good", "--json", "--level", level).stdout)
        for level in ("0.002", "0.2")
    )
    for metric, one in wide["scores"].items():
        other = narrow["scores"][metric]
        assert one["low"] < other["low"] < other["high"] < one["high"]
    assert "99.8 % interval" in run("compare", "bad", "good", "--level", "0.002").stdout
    done = run("compare", "bad", "good", "--level", "0.0005")
    assert done.status == 1
    assert done.stderr == (
        "error: the significance level 0.0005 cannot be shown with 1,000 bootstrap samples and "
        "10,000 randomisations: choose one above 0.000999 and below 1\n"
    )


def test_compare_with_json_prints_the_document_alone(folder: Path, run: Run) -> None:
    done = run("compare", "good/metrics.json", "bad", "--json", "--level", "0.01")
    document = json.loads(done.stdout)
    assert document["level"] == 0.01
    ter = document["scores"]["ter"]
    assert ter["verdict"] == "worse" and 0 < ter["low"] < ter["difference"] < ter["high"]


def test_compare_reports_equal_translations(folder: Path, run: Run) -> None:
    done = run("compare", "good", "good")
    assert "Both translations of all 60 sentences are the same." in done.stdout
    assert done.stdout.count("not shown") == 4


def test_compare_refuses_another_test_set_in_one_line(folder: Path, run: Run) -> None:
    other = evidence("other", REFERENCES, REFERENCES, test_sha256="a0" * 32)
    write_evidence(folder / "other", other)
    done = run("compare", "good", "other")
    assert (done.status, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("error: good and other cannot be compared: ")
    assert "sha256 differ: 5e5e5e5e5e5e… and a0a0a0a0a0a0…" in line


def test_a_missing_evaluation_is_one_line(folder: Path, run: Run) -> None:
    done = run("compare", "good", "nothing")
    assert done.status == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(
        "error: 'nothing' names no model or run (it is no file or folder, and no "
    )


def test_runs_says_what_to_do_where_there_are_none(folder: Path, run: Run) -> None:
    done = run("runs")
    assert done.status == 0, done.stderr
    assert "no such runs in experiment 'tracelate' of sqlite:" in done.stdout
    assert "make run" in done.stdout
    assert json.loads(run("runs", "--json").stdout) == []


def test_runs_rank_within_what_can_be_compared(folder: Path, run: Run) -> None:
    for name, bleu, test in (("worse", 20, "5e"), ("[better]", 30, "5e"), ("elsewhere", 90, "a0")):
        tags = {f"signature.{metric}": "version:1" for metric in ("bleu", "chrf", "ter")}
        tags |= {"sha256.data/prepared/test.parquet": test * 32, "git.dirty": "true"}
        made, _ = start_run("tracelate", name, tags)
        made.log_metrics({"test_bleu": bleu, "test_bleu_low": bleu - 1, "test_bleu_high": bleu + 1})
    done = run("runs", "--sort", "bleu")
    assert done.status == 0, done.stderr
    rows = [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in done.stdout.splitlines()
        if line.startswith("│")
    ]
    assert [(row[0], row[1], row[3]) for row in rows] == [
        ("A", "1", "elsewhere"),
        ("B", "1", "[better]"),
        ("B", "2", "worse"),
    ]
    assert "30.0 (29.0–31.0)" in rows[1]
    assert "Runs are ranked (#) by bleu among" in done.stdout
    machine = json.loads(run("runs", "--json", "--limit", "1").stdout)
    assert [(row["name"], row["group"], row["rank"]) for row in machine] == [
        ("elsewhere", "A", None)
    ]
    wrong = run("runs", "--where", "nam=worse")
    assert wrong.status == 1
    assert wrong.stderr == "error: 'nam=worse': no run has 'nam': did you mean name?\n"


def test_seeds_prints_the_deviation_and_the_setting(folder: Path, run: Run) -> None:
    def train(seed: int, bleu: float) -> None:
        tags = {f"signature.{metric}": "version:1" for metric in ("bleu", "chrf", "ter")}
        tags |= {"sha256.data/prepared/test.parquet": "5e" * 32}
        made, _ = start_run("tracelate", "general", tags)
        made.log_params({"train": {"seed": seed}})
        made.log_metrics({"test_bleu": bleu, "test_chrf": 50.0, "test_ter": 100 - bleu})

    train(1, 30.0)
    alone = run("seeds", "general")
    assert alone.status == 1
    assert alone.stderr.startswith("error: with these settings only seed 1 was trained and scored")
    assert "-S train.seed=2" in alone.stderr
    train(2, 32.0)
    ids = [row["run_id"] for row in json.loads(run("runs", "--json").stdout)]
    done = run("seeds", ids[0])
    assert done.status == 0, done.stderr
    lines = [re.sub(r"[│ ]+", " ", line).strip() for line in done.stdout.splitlines()]
    assert "standard deviation 1.41 0.00 1.41" in lines
    assert "95 % of pairs differ by less than 3.92 0.00 3.92" in lines
    assert "by bleu over 2 seeds: registry.seed_deviation: 1.41; params.yaml has 0.4" in done.stdout
    machine = json.loads(run("seeds", ids[0], "--json").stdout)
    assert [one["seed"] for one in machine["runs"]] == [1, 2]
    assert machine["spread"]["bleu"]["deviation"] == pytest.approx(2**0.5)


def test_help_loads_no_heavy_library() -> None:
    code = (
        "import sys, tracelate.cli.main; "
        "print([name for name in ('mlflow', 'torch', 'sacrebleu', 'rich.table') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("[]", "['rich.table']")  # typer's own
