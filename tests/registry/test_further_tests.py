"""Champion and candidate on a test set that `tracelate evaluate --log` has added to their runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.evaluation.results import evidence, some_references, translate_badly, write_evidence
from tests.tracking.runs.test_log_later_evaluation import OTHER, WEIGHTS, written
from tracelate.evaluation.results import Evidence
from tracelate.registry.champion import compare_on
from tracelate.tracking.runs.log_later_evaluation import log_later_evaluation
from tracelate.tracking.runs.run_writer import RunWriter
from tracelate.tracking.runs.runs import start_run

REFERENCES = some_references(20)
CHAMPION, CANDIDATE = (
    evidence(name, translate_badly(REFERENCES, share, 3), REFERENCES)
    for name, share in (("champion", 0.6), ("candidate", 0.1))
)


def trained(made: Evidence) -> tuple[RunWriter, Evidence]:
    run, _ = start_run("tests", made.name, {"sha256.models/weights.safetensors": WEIGHTS})
    return run, made._replace(run_id=run.run_id)


def test_runs_are_compared_on_the_text_that_both_were_evaluated_on(
    empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    (run_a, a), (run_b, b) = trained(CHAMPION), trained(CANDIDATE)
    store = run_a.store
    folder = written(tmp_path / "scores")

    write_evidence(folder, CHAMPION)
    log_later_evaluation(run_a, "news", folder)
    missing = compare_on(store, a, b, "bleu", "news", 0.05)
    assert missing.significance is None
    assert "candidate has no evaluation on the test set 'news'" in missing.incomparable[0]

    write_evidence(folder, CANDIDATE)
    log_later_evaluation(run_b, "news", folder)
    found = compare_on(store, a, b, "bleu", "news", 0.05)
    assert found.incomparable == []
    assert found.significance is not None and found.significance.verdict == "better"

    other = evidence("other", REFERENCES, REFERENCES, test_sha256=OTHER)
    for run, made in ((run_a, CHAMPION), (run_b, other)):
        write_evidence(folder, made)
        log_later_evaluation(run, "blogs", folder)
    [reason, *_] = compare_on(store, a, b, "bleu", "blogs", 0.05).incomparable
    assert "the test sets' sha256 differ" in reason
