"""Printing of results, for people and for programs."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.cli.conftest import Run
from tests.evaluation.results import evidence, some_references, translate_badly, write_evidence
from tests.tracking.stored_runs import add_run, mlflow_client

REFERENCES = some_references(20)


def strict(text: str) -> Any:
    """Reads JSON as its standard has it."""

    def refuse(name: str) -> NoReturn:
        raise AssertionError(name)

    return json.loads(text, parse_constant=refuse)


def test_runs_print_null_for_a_score_that_is_nan(run: Run) -> None:
    store = mlflow_client()
    store.create_experiment("tests")
    add_run(store, "broken", bleu=math.nan, ter=math.inf)
    done = run("runs", "--all-experiments", "--json", "--sort", "bleu")
    [row] = strict(done.stdout)
    assert (row["name"], row["bleu"], row["ter"], row["rank"]) == ("broken", None, None, None)


def test_a_comparison_prints_and_writes_null_for_nan(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed, name in enumerate("ab"):
        translated = translate_badly(REFERENCES, 0.3, seed)
        write_evidence(folder / name, evidence(name, translated, REFERENCES))
    monkeypatch.setattr(
        "tracelate.comparison.significance.percentile_interval", lambda _: (math.nan, math.inf)
    )
    done = run("compare", "a", "b", "--json", "--output", "out")
    assert done.status == 0
    document = strict(done.stdout)
    assert document["scores"]["bleu"]["low"] is document["scores"]["bleu"]["high"] is None
    written = (folder / "out/comparison.json").read_text(encoding="utf-8")
    assert strict(written) == document


def test_a_level_that_is_nan_is_refused(run: Run) -> None:
    done = run("compare", "a", "b", "--level", "nan")
    assert done.stderr == "error: --level nan is not between 0 and 1: correct it\n"
